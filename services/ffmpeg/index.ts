export { type Binaries, type BinarySearch, findBinaries, MissingBinaryError } from "./binaries.ts";
export { headerLength } from "./header-length.ts";
export { ffmpegMediaTools } from "./media-tools.ts";
export { makeSampleVideo, SAMPLE } from "./sample-video.ts";
