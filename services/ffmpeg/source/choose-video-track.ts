import { runFfprobe } from "../process/ffprobe.ts";
import { type SourceAddress, untrustedInput } from "../process/sandbox.ts";

/** The stream properties that the choice depends on, as ffprobe prints them. */
export type VideoStream = {
  index: number;
  codec_type: string;
  width?: number | undefined;
  disposition: { default: number; attached_pic: number; timed_thumbnails: number; still_image: number };
};

/** Covers and thumbnails aren't video. */
const isMoving = ({ codec_type, disposition }: VideoStream): boolean =>
  codec_type === "video" && disposition.attached_pic + disposition.timed_thumbnails + disposition.still_image === 0;

/**
 * Video tracks in the order in which players choose one: first those with a frame size (in the
 * others nothing decodable was found), among these the ones with the default flag, then in file
 * order. docs/decisions/which-tracks.md
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
 * The first of several streams that has a packet: a track may be declared and empty. The first
 * stream when none has one. Reads the source once, up to a packet of the first stream; to its end
 * when that is empty.
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
    if (found.has(candidates[0]!)) throw FOUND;
  };
  await runFfprobe({ binary, args, signal, source: address, onLine }).catch((error: unknown) => {
    if (error !== FOUND) throw error;
  });
  return candidates.find((stream) => found.has(stream)) ?? candidates[0];
}

/** Ends the reading. */
const FOUND = new Error("the first stream has a packet");
