export { type Binaries, type BinarySearch, findBinaries, MissingBinaryError } from "./binaries.ts";
export { ffmpegMediaTools } from "./media-tools.ts";
export { makeSampleVideo, SAMPLE } from "./sample-video.ts";
