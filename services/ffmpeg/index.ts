export { ffmpegMediaTools } from "./media-tools.ts";
export { type Binaries, type BinarySearch, findBinaries, MissingBinaryError } from "./process/binaries.ts";
export { makeSampleVideo, SAMPLE } from "./sample-video.ts";
export { headerLength } from "./source/header-length.ts";
