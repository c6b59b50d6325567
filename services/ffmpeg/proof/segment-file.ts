import type { Container } from "../../split/ports/media-tools.ts";

/** A segment's file, to be read for its proof. */
export type SegmentFile = {
  /** Path of ffmpeg. */
  binary: string;
  /** Path of ffprobe. */
  ffprobe: string;
  directory: string;
  path: string;
  /** Its audio tracks, and whether there must be no packet of one. */
  audio: readonly { isEmpty: boolean }[];
  container: Container;
  /** Video codec, as ffprobe names it; undefined: any. */
  codec?: string;
  /** Aborting it ends the reading immediately. */
  signal: AbortSignal;
};

/** A packet of the file's first video track. */
export type VideoPacket = {
  /** Presentation time in seconds, with edit lists applied. */
  time: number;
  /** Whether it's a keyframe; undefined when the reader doesn't know. */
  key: boolean | undefined;
  /** Duration in seconds as stored; undefined when the container stores none. */
  duration: number | undefined;
  /** Gone when the handler has returned, or what it returned has resolved. */
  data: Buffer;
};

export type PacketHandlers = {
  /** Called in decode order; the reader waits for each call. */
  onVideo: (packet: VideoPacket) => void | Promise<void>;
  /**
   * Called for each packet of audio track 0, 1, …; seconds. The duration is 0 when none is stored.
   */
  onAudio: (track: number, time: number, duration: number) => void;
};

/**
 * ffmpeg's input options that find video which begins ten seconds after the audio, as it may in a
 * first segment.
 */
export const LATE_VIDEO_OPTIONS: readonly string[] = ["-probesize", "200000000", "-analyzeduration", "30000000"];
