import { type ShownFrame, showinfoReader } from "./showinfo.ts";
import { ffmpegLines, ffprobe, type MessageLevels, messagesOf, ownTimes, tools } from "./tools.ts";

/** A decoded frame of a file. */
export type Frame = ShownFrame & {
  /** Index in the decoder's output. */
  ordinal: number;
  /** Duration in seconds; the usual one when the file has none. */
  duration: number;
  /** Bytes of its pixels in its own pixel format. */
  bytes: number;
  hash: string;
};

export type Video = {
  /** In order of time. */
  frames: Frame[];
  /** Seconds per tick of the file's times. */
  tick: number;
  messages: ReadonlyMap<string, number>;
};

/**
 * A track of a file. `decoder`: when ffmpeg's default one ignores data (alpha). `format`:
 * ffprobe's.
 */
export type VideoTrack = { path: string; format: string; index: number; decoder: string | undefined };

/** Options before a filter: one track with its own times, rotated only on request. */
export const decodingOf = ({ path, format, index, decoder }: VideoTrack, rotate = false): string[] => [
  ...(decoder === undefined ? [] : [`-c:${index}`, decoder]),
  ...[...ownTimes(format).options, ...(rotate ? [] : ["-noautorotate"]), "-i", path, "-map", `0:${index}`],
];

/** As ffmpeg names them. */
export type Hash = "murmur3" | "md5";

/**
 * Decodes all of a track: time, size, colours and pixel hash of each frame. `levels`: the messages
 * that are counted.
 */
export async function decodeVideo(
  track: VideoTrack,
  hash: Hash = "murmur3",
  levels: MessageLevels = "errors",
): Promise<Video> {
  const { passthrough, keepsSizes } = await tools();
  const shown = showinfoReader();
  const { messages, listen } = messagesOf(levels);
  const hashes: { hash: string; bytes: number; duration: number }[] = [];
  let tick = 0;
  const args = [
    ...[...decodingOf(track), "-vf", "showinfo=checksum=0", ...passthrough, ...keepsSizes],
    ...["-enc_time_base", "-1", "-f", "framehash", "-hash", hash, "pipe:1"],
  ];
  await ffmpegLines(args, {
    onLine: (line) => {
      const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? [];
      if (numerator !== undefined) tick = Number(numerator) / Number(denominator);
      if (line.startsWith("#")) return;
      const [, , , duration, bytes, digest] = line.split(",");
      hashes.push({ hash: digest!.trim(), bytes: Number(bytes), duration: Number(duration) * tick });
    },
    onMessage: (line) => {
      shown.listen(line);
      listen(line);
    },
  });
  const length = Math.min(shown.frames.length, hashes.length);
  const { ahead } = ownTimes(track.format);
  const frames = Array.from({ length }, (_, ordinal) => {
    const frame = shown.frames[ordinal]!;
    return { ordinal, ...frame, ...hashes[ordinal]!, time: frame.time - ahead };
  });
  return { frames: inOrderOfTime(frames), tick: shown.tick(), messages };
}

/**
 * A frame without a time is one usual duration after the previous frame; one without a duration has
 * the usual one.
 */
function inOrderOfTime(frames: Frame[]): Frame[] {
  const steps = frames.slice(1).map(({ time }, at) => time - frames[at]!.time);
  const usual = median(steps.filter((step) => step > 0)) ?? 0.04;
  let previous: Frame | undefined;
  for (const frame of frames) {
    if (Number.isNaN(frame.time)) frame.time = previous === undefined ? 0 : previous.time + usual;
    if (frame.duration === 0) frame.duration = usual;
    previous = frame;
  }
  return frames.sort((one, other) => one.time - other.time || one.ordinal - other.ordinal);
}

/** Undefined when there are none. */
export const median = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : [...values].sort((one, other) => one - other)[values.length >> 1];

export type Packets = {
  /** Packets that are shown: an edit list may hide some. */
  shown: number;
  /** Time of the first shown packet in seconds; NaN when none has a time. */
  start: number;
  /** Whether the file's first packet is marked as a keyframe. */
  startsWithKey: boolean;
};

/**
 * Frames before the first keyframe refer to missing frames: what a decoder returns for them
 * doesn't count.
 */
export function fromFirstKeyframe(video: Video, { startsWithKey }: Packets): Video {
  const first = startsWithKey ? undefined : video.frames.find(({ isKey }) => isKey);
  if (first === undefined) return video;
  return { ...video, frames: video.frames.filter(({ time }) => time >= first.time) };
}

/** The container's description of a track's packets. */
export async function packetsOf(path: string, index: number): Promise<Packets> {
  const text = await ffprobe(
    ...["-select_streams", String(index), "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", path],
  );
  const packets = text.split("\n").flatMap((line) => {
    const [time, flags] = line.split(",");
    return flags === undefined ? [] : [{ time: Number.parseFloat(time!), isHidden: flags[1] === "D", flags }];
  });
  const shown = packets.filter(({ isHidden }) => !isHidden);
  const start = shown.reduce((least, { time }) => (time < least ? time : least), Number.POSITIVE_INFINITY);
  return {
    shown: shown.length,
    start: Number.isFinite(start) ? start : Number.NaN,
    startsWithKey: packets[0]?.flags.startsWith("K") ?? false,
  };
}
