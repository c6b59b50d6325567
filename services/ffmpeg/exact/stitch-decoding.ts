import type { Mp4Header } from "../formats/iso/fragments.ts";

/** What decoding the beginning or the end of a segment's file needs. */
export type StitchDecoding = {
  binary: string;
  directory: string;
  /** MP4 header with the decoder configuration of the segment. */
  header: Mp4Header;
  ticksPerSecond: number;
  signal: AbortSignal;
};
