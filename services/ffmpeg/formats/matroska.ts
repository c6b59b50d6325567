/** Matroska: the format in which packets of any codec come from ffmpeg and go to it. */
export { type MatroskaTrack, readMatroska, type StreamPacket } from "./matroska/reader.ts";
export {
  adtsTrack,
  type MatroskaHeader,
  type MatroskaPacket,
  matroskaCluster,
  matroskaHeader,
} from "./matroska/writer.ts";
