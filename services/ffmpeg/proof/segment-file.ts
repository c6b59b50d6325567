import type { Container } from "../../split/ports/media-tools.ts";

/** A file that was produced, to be read for its proof. */
export type SegmentFile = {
  /** Of ffmpeg. */
  binary: string;
  directory: string;
  path: string;
  audioTracks: number;
  container: Container;
  /** Of the picture, as ffprobe names it; undefined where it may be any. */
  codec?: string;
  /** Ends the reading at once. */
  signal: AbortSignal;
};

/** A packet of a produced file's picture, which is its first video track. */
export type VideoPacket = {
  /** Seconds, edit lists applied. */
  time: number;
  /** Undefined where the reader doesn't know. */
  key: boolean | undefined;
  /** Seconds as the container states them; undefined where it states none. */
  duration: number | undefined;
  data: Buffer;
};

export type PacketHandlers = {
  /** In decode order, one after the other. */
  onVideo: (packet: VideoPacket) => void | Promise<void>;
  /** A packet of audio track 0, 1, …; seconds. The duration is 0 where the container states none. */
  onAudio: (track: number, time: number, duration: number) => void;
};

/** ffmpeg's options: sound of the first segment may begin ten seconds before its picture, which is to be found. */
export const LATE_VIDEO_OPTIONS: readonly string[] = ["-probesize", "200000000", "-analyzeduration", "30000000"];
