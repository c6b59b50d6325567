import { runFfprobe } from "../process/ffprobe.ts";
import { type SourceAddress, untrustedInput } from "../process/sandbox.ts";

/** What is to be known of a stream to choose the picture; as ffprobe prints it. */
export type VideoStream = {
  index: number;
  codec_type: string;
  width?: number | undefined;
  disposition: { default: number; attached_pic: number; timed_thumbnails: number; still_image: number };
};

/** A cover or a thumbnail isn't a moving picture. */
const isMoving = ({ codec_type, disposition }: VideoStream): boolean =>
  codec_type === "video" && disposition.attached_pic + disposition.timed_thumbnails + disposition.still_image === 0;

/**
 * Tracks of moving pictures in the order in which players choose one: those that have a size first
 * (of the others nothing was found that decodes), among these the ones with the default flag, then
 * in the file's order. docs/decisions/which-tracks.md
 */
export function orderVideoTracks<Stream extends VideoStream>(streams: readonly Stream[]): Stream[] {
  const rank = ({ width, disposition }: Stream): number => (width ? 2 : 0) + (disposition.default === 1 ? 1 : 0);
  return streams.filter(isMoving).toSorted((one, other) => rank(other) - rank(one));
}

export type VideoTrackSearch = {
  binary: string;
  address: SourceAddress;
  format: string;
  isDeep: boolean;
  signal: AbortSignal;
};

/**
 * The first of several streams that holds a packet: a track may be declared and empty. The first one
 * where none does. Reads the source once, up to a packet of the first stream: to its end where that
 * one is empty.
 */
export async function firstWithPackets(
  search: VideoTrackSearch,
  candidates: readonly number[],
): Promise<number | undefined> {
  if (candidates.length < 2) return candidates[0];
  const { binary, address, format, isDeep, signal } = search;
  const found = new Set<number>();
  const entries = ["-select_streams", "v", "-show_entries", "packet=stream_index", "-of", "csv=p=0"];
  const args = [...untrustedInput(format, isDeep), ...entries, address.url];
  const onLine = (line: string) => {
    found.add(Number.parseInt(line, 10));
    if (found.has(candidates[0]!)) throw ENOUGH;
  };
  await runFfprobe({ binary, args, signal, source: address, onLine }).catch((error: unknown) => {
    if (error !== ENOUGH) throw error;
  });
  return candidates.find((stream) => found.has(stream)) ?? candidates[0];
}

/** Ends the reading. */
const ENOUGH = new Error("the first stream holds a packet");
