export { ffmpegMediaTools } from "./media-tools.ts";
export { type Binaries, type BinarySearch, findBinaries, findFfmpeg, MissingBinaryError } from "./process/binaries.ts";
export { ALLOWED_DECODERS } from "./process/decoders.ts";
export { oldProgramsWarning, type ProgramVersion, parseVersion, readVersion } from "./process/program-version.ts";
export { DEMUXERS, INPUT_PROTOCOLS } from "./process/sandbox.ts";
export { DEMO_VIDEO, makeDemoVideo } from "./source/demo-video.ts";
export { headerLength } from "./source/header-length.ts";
export { ffmpegPictures } from "./source/pictures.ts";
