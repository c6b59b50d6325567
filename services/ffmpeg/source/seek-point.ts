import { copiedSegments } from "../../split/domain/exact-plan.ts";
import type { ExactPlan, WindowPlan } from "../../split/domain/exact-segment.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { PlannedCut } from "../../split/ports/media-tools.ts";
import { CutFailedError, isCausedByFile } from "../process/errors.ts";
import { type Clock, PACKET_BYTES, PACKET_LINES, readPacketLines, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding, type SourceAddress, untrustedInput } from "../process/sandbox.ts";

/** A packet at which a reading of the source can begin. */
export type SeekPoint = {
  /**
   * ffmpeg's input options. With them, times are the source's; without, they count from the start
   * of the file.
   */
  options: readonly string[];
  /** The first packet that is read, counted in decode order. */
  packet: number;
  /**
   * The first packet that is needed. Earlier ones may have other times than in the index: when the
   * container has no decode times, ffmpeg guesses the first ones, and shifts presentation times.
   */
  needed: number;
  /** Presentation time of `packet`: seconds from the first video frame. */
  time: number;
  /** When a decoder shows the first frame, on the source's clock. Undefined: when the index says. */
  origin?: number;
  /** The source's first packet: its SEI messages apply to all following packets. */
  start: Buffer;
};

/** The source can't be read from this point as it is from its start: it's read from its start. */
export class SeekError extends CutFailedError {
  override name = "SeekError";

  constructor(message: string) {
    super("UnreadableMedia", message);
  }
}

/**
 * Containers in which ffmpeg finds a time without reading all that is before it, by an index or by
 * searching the file, and after which its packets have the same times and audio as in a reading
 * from the start. docs/decisions/ranges.md says what the others lack.
 */
const SEEKABLE = ["mov", "matroska", "mpegts", "avi", "ogg"];

/** Here they have so only when nothing is copied. */
const SEEKABLE_TO_DECODE = [...SEEKABLE, "mpeg"];

/** They store decode times only: a decoder shows frames later, by as many as it holds back. */
export const LACKS_PRESENTATION_TIMES = ["avi"];

/**
 * Whether decoded frames may have other distances than their packets: where a container lacks
 * presentation times, and frames are missing (AVI has empty chunks for them), how much later frames
 * are shown changes at each gap.
 */
export const showsAtOtherTimes = (format: string, index: PacketIndex): boolean =>
  isIn(LACKS_PRESENTATION_TIMES, format) && index.isUneven;

/** Reading less than this is cheaper than searching for a seek point. */
const MIN_SKIPPED_SECONDS = 2;

/**
 * How far in front of video of the same time audio may be stored, in seconds. ISO files have an
 * index per track, so ffmpeg finds each at its time; 1 s is for the priming of an audio decoder.
 */
const marginSeconds = (format: string): number => (isIn(["mov"], format) ? 1 : 5);

/** `format`: ffprobe's names of a container, such as "mov,mp4,m4a,3gp,3g2,mj2". */
const isIn = (formats: readonly string[], format: string): boolean =>
  format.split(",").some((name) => formats.includes(name));

/** The first packet that segment `from`, or a later one, is made from. */
export function firstPacketOf(cut: PlannedCut, from: number): number {
  if (cut.kind === "keyframe") return cut.segments[from]?.firstFrame ?? 0;
  return cut.plan.jobs === undefined ? firstOfWindow(cut.plan, cut.index, from) : firstOfPlan(cut.plan, from);
}

/**
 * The bytes that are read for the segments from a seek point up to segment `last`, but for audio
 * that is stored outside of them. Undefined: from the source's start, or to its end.
 */
export function rangeOf(
  cut: PlannedCut,
  seek: SeekPoint | undefined,
  last: number,
): { start: number | undefined; end: number | undefined } {
  const after = packetAfter(cut, last);
  return {
    start: seek && cut.index.positionBefore(seek.packet),
    end: after === undefined ? undefined : cut.index.positionFrom(after),
  };
}

/** The first packet from which on none is needed; undefined: the source's last one is. */
function packetAfter(cut: PlannedCut, last: number): number | undefined {
  if (cut.kind === "keyframe") return cut.segments[last + 1]?.firstFrame;
  const { plan, index } = cut;
  if (plan.jobs !== undefined) return packetAfterSegment(plan, last);
  // Frames are stored in another order than they are shown, but not across a keyframe.
  const start = plan.origin + (plan.segments[last + 1]?.start ?? Number.POSITIVE_INFINITY);
  for (let packet = 0; packet < index.count; packet += 1)
    if (index.isKey(packet) && index.time(packet) >= start) return packet;
  return undefined;
}

/**
 * The first packet from which on none is needed for segment `last` and those before it; undefined:
 * the source's last one is.
 */
export function packetAfterSegment(plan: ExactPlan, last: number): number | undefined {
  const next = plan.segments[last + 1];
  if (next === undefined) return undefined;
  const copied = plan.segments.slice(0, last + 1).map((segment) => segment.copied?.to ?? 0);
  const jobs = plan.jobs.filter(({ parts }) => parts.some(({ from }) => from < next.ranks.from));
  return jobs.reduce((end, { packets }) => Math.max(end, packets.to), Math.max(...copied));
}

function firstOfPlan({ segments, jobs }: ExactPlan, from: number): number {
  const segment = segments[from];
  if (segment === undefined) return 0;
  const copied = segments.slice(from).find((one) => one.copied !== undefined)?.copied?.from;
  // Jobs and their frames are in ascending order.
  const job = jobs.find(({ parts }) => parts.some(({ to }) => to > segment.ranks.from))?.packets.from;
  return Math.min(copied ?? Number.POSITIVE_INFINITY, job ?? Number.POSITIVE_INFINITY);
}

/** The last keyframe in front of the segment, in presentation order. */
function firstOfWindow({ segments, origin }: WindowPlan, index: PacketIndex, from: number): number {
  const start = origin + (segments[from]?.start ?? 0);
  return lastKey(index, index.count, start) ?? 0;
}

/** The last keyframe before packet `end` whose presentation time is at most `time`. */
function lastKey(index: PacketIndex, end: number, time: number): number | undefined {
  for (let packet = end - 1; packet >= 0; packet -= 1)
    if (index.isKey(packet) && index.time(packet) <= time) return packet;
  return undefined;
}

export type SeekSearch = {
  binary: string;
  directory: string;
  address: SourceAddress;
  /** The source's container, as ffprobe names it. */
  format: string;
  isDeep?: boolean;
  /** ffmpeg's index of the video stream. */
  video: number;
  cut: PlannedCut;
  /** Index of the first segment to make. */
  from: number;
  signal: AbortSignal;
};

/**
 * Where to begin reading for segment `from`; undefined: at the start. ffmpeg chooses the packet,
 * which is then identified in the index by its time. Throws the signal's reason, and failures of
 * the machine.
 */
export async function findSeekPoint(search: SeekSearch): Promise<SeekPoint | undefined> {
  const { cut, from, format } = search;
  const { index } = cut;
  const { origin, segments } = cut.kind === "keyframe" ? cut : cut.plan;
  const isCopied = cut.kind === "keyframe" || copiedSegments(cut) !== undefined;
  if (from === 0 || !isIn(isCopied ? SEEKABLE : SEEKABLE_TO_DECODE, format)) return undefined;
  // A time may then be found twice in the file.
  if (index.jumps) return undefined;
  if (!isCopied && showsAtOtherTimes(format, index)) return undefined;
  const needed = firstPacketOf(cut, from);
  // Copying begins in front of the needed packet: ffmpeg gives the first file that it writes other
  // times than the next.
  const end = isCopied ? needed : needed + 1;
  const audioFrom = origin + (segments[from]?.start ?? 0) - marginSeconds(format);
  const target = lastKey(index, end, Math.min(index.time(needed), audioFrom));
  const isStart = target === undefined || index.time(target) - origin < MIN_SKIPPED_SECONDS;
  // An encoder is given only what is needed, also when reading begins at the start.
  if (isStart && isCopied) return undefined;
  const options = isStart ? ["-copyts"] : optionsFor(index.time(target));
  const found = await firstPacket(options, search);
  const packet = found && packetAt(index, found.time);
  if (packet === undefined || packet >= end) return undefined;
  const start = await firstPacket([], search);
  if (start === undefined) return undefined;
  const point = { options, packet, needed, time: index.time(packet) - origin, start: start.data };
  if (isCopied || !isIn(LACKS_PRESENTATION_TIMES, format)) return point;
  const shown = await firstShown(search);
  return shown === undefined ? undefined : { ...point, origin: shown };
}

/**
 * ffprobe and the container round times; this selects the keyframe itself, not the previous one.
 */
const ROUNDING_SECONDS = 0.001;

const optionsFor = (seconds: number): string[] => [
  ...["-copyts", "-seek_timestamp", "1", "-noaccurate_seek"],
  ...["-ss", (seconds + ROUNDING_SECONDS).toFixed(6)],
];

/**
 * The first packet that ffmpeg reads with these options, and its presentation time; undefined when
 * it reads none.
 */
async function firstPacket(
  options: readonly string[],
  search: SeekSearch,
): Promise<{ time: number; data: Buffer } | undefined> {
  const copied = [...mapOf(search), "-c", "copy", "-copyinkf"];
  const outputs = [
    [...copied, ...PACKET_LINES],
    [...copied, ...PACKET_BYTES],
  ];
  let first: { time: number; data: Buffer } | undefined;
  const isRead = await readStart(search, options, outputs, async ([lines, bytes]) => {
    for await (const { data, ...packet } of readPackets(lines!, bytes!))
      first ??= { time: secondsOf(packet), data: Buffer.from(data) };
  });
  return isRead ? first : undefined;
}

/** When a decoder shows the source's first frame, on the source's clock; undefined when it shows none. */
async function firstShown(search: SeekSearch): Promise<number | undefined> {
  const decoded = ["-vsync", "passthrough", "-enc_time_base", "-1", "-c:v", "wrapped_avframe"];
  const outputs = [[...mapOf(search), ...decoded, ...PACKET_LINES]];
  let first: number | undefined;
  const isRead = await readStart(search, ["-copyts", ...boundedDecoding], outputs, async ([lines]) => {
    for await (const { clock, line } of readPacketLines(lines!)) first ??= secondsOf({ ...line, clock });
  });
  return isRead ? first : undefined;
}

const mapOf = ({ video }: SeekSearch): string[] => ["-map", `0:${video}`, "-map_chapters", "-1", "-frames:v", "1"];

const secondsOf = ({ pts, dts, clock }: { pts: number | undefined; dts: number; clock: Clock }): number =>
  ((pts ?? dts) * clock.num) / clock.den;

/** Runs ffmpeg with these input options. Resolves with whether it could read the source. */
async function readStart(
  { binary, directory, address, format, isDeep, signal }: SeekSearch,
  options: readonly string[],
  all: readonly (readonly string[])[],
  read: (outputs: readonly OutputPipe[]) => Promise<void>,
): Promise<boolean> {
  const input = ["-hide_banner", "-nostdin", "-loglevel", "error", ...options, ...untrustedInput(format, isDeep)];
  const inputs = [{ from: address.url, options: input }];
  try {
    const spec = { binary, directory, source: address, signal, inputs, pipes: { all } };
    await runFfmpeg(spec, ({ outputs }) => read(outputs.all));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!isCausedByFile(error)) throw error;
    return false;
  }
}

/** Largest difference between a time rounded to microseconds and one in ticks of the container. */
const SAME_SECONDS = 20e-6;

/**
 * Throws `SeekError` when a packet, by its number in decode order, has another presentation time
 * (seconds on the source's clock) than in the index. Packets before the first needed one may.
 */
export function assertTime(time: number, packet: number, { needed }: SeekPoint, index: PacketIndex): void {
  if (packet < needed) return;
  const expected = packet < index.count ? index.time(packet) : Number.NaN;
  if (!(Math.abs(time - expected) <= SAME_SECONDS))
    throw new SeekError(`packet ${packet} is at ${time} s; the index says ${expected} s`);
}

/** The packet with this presentation time; undefined when there is none, or more than one. */
function packetAt(index: PacketIndex, time: number): number | undefined {
  let found: number | undefined;
  for (let packet = 0; packet < index.count; packet += 1) {
    if (Math.abs(index.time(packet) - time) > SAME_SECONDS) continue;
    if (found !== undefined) return undefined;
    found = packet;
  }
  return found;
}
