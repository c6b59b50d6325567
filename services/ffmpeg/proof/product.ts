import type { Container } from "../../split/ports/media-tools.ts";

/** A file that was produced, to be read for its proof. */
export type Product = {
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
export type ProductPacket = {
  /** Seconds, edit lists applied. */
  time: number;
  /** Undefined where the reader doesn't know. */
  key: boolean | undefined;
  /** Seconds as the container states them; undefined where it states none. */
  duration: number | undefined;
  data: Buffer;
};

export type ProductReader = {
  /** In decode order, one after the other. */
  onVideo: (packet: ProductPacket) => void | Promise<void>;
  /** A packet of audio track 0, 1, …; seconds. The duration is 0 where the container states none. */
  onAudio: (track: number, time: number, duration: number) => void;
};

/** ffmpeg's options: sound of the first segment may begin ten seconds before its picture, which is to be found. */
export const FINDS_LATE_PICTURE: readonly string[] = ["-probesize", "200000000", "-analyzeduration", "30000000"];

const ISO: readonly string[] = ["mp4", "mov", "3gp", "3g2"];
const MATROSKA: readonly string[] = ["matroska", "webm"];

/** Whether a container is one of the ISO family, which keep an index. */
export const isIso = ({ muxer }: Container): boolean => ISO.includes(muxer);

export const isMatroska = ({ muxer }: Container): boolean => MATROSKA.includes(muxer);
