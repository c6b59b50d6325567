import type { Stretch } from "../../split/domain/proof.ts";
import type { Assembly } from "../assembly/assembly.ts";
import { MUX_OFFSET_SECONDS } from "../assembly/mux-segment.ts";
import type { Spool, SpoolFolder } from "../assembly/spool.ts";
import { type MatroskaHeader, matroskaCluster } from "../formats/matroska/writer.ts";
import { pictureHasher } from "../formats/nal/units.ts";
import { unreadable } from "../process/errors.ts";
import { SegmentError, UndecodableSegmentsError } from "./segment-error.ts";

/** An encoded frame; its time is seconds from the first video frame. */
export type EncodedFrame = {
  time: number;
  key: boolean;
  data: Buffer;
  /** Its Matroska BlockAdditions, such as transparency. */
  additions: Buffer | undefined;
};

export type EncodedSegmentWriterOptions = {
  /** Codec, as ffprobe names it. */
  codec: string;
  /** Frame size in pixels, as displayed. */
  size: [number, number];
  /** Start of each segment: seconds from the first video frame. */
  starts: readonly number[];
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  spools: SpoolFolder;
  /** Where frames of a segment weren't decoded. Times are seconds from the first video frame. */
  undecodedIn: (segment: number, decoded: readonly number[]) => Stretch[];
  /** How many packets the source has of a segment that aren't frames. Default: none. */
  hiddenIn?: (segment: number) => number;
  /** How many frames the source has of a segment. */
  maxFramesIn: (segment: number) => number;
};

type Segment = {
  index: number;
  /** Undefined when the segment isn't needed. */
  spool: Spool | undefined;
  frames: { time: number; hash: undefined }[];
  lastDuration: number;
};

const MICROSECONDS = 1_000_000;

/**
 * Writes the encoded frames of each segment to a Matroska file. Passes it to the assembly when the
 * next segment begins.
 */
export class EncodedSegmentWriter {
  readonly #options: EncodedSegmentWriterOptions;
  readonly #assembly: Assembly;
  #header: MatroskaHeader | undefined;
  #segment: Segment | undefined;
  /** Index of the segment after the last one that has frames. */
  #next = 0;

  constructor(options: EncodedSegmentWriterOptions, assembly: Assembly) {
    this.#options = options;
    this.#assembly = assembly;
  }

  /** Frames that are added from now on come from an encoder that wrote this header. */
  begin(header: MatroskaHeader): void {
    this.#header = header;
  }

  /** The first segment that has no frame, and none behind it has. */
  get next(): number {
    return this.#next;
  }

  /** Adds the next frame in presentation order; `next` is the time of the frame after it. */
  async add({ time, key, data, additions }: EncodedFrame, next: number): Promise<void> {
    const { starts } = this.#options;
    const index = this.#assembly.segmentAt(time);
    if (this.#segment?.index !== index) await this.#begin(index, key);
    const segment = this.#segment;
    if (segment?.spool === undefined) return;
    const start = starts[index]!;
    const ticks = (seconds: number) => Math.round((seconds - start + MUX_OFFSET_SECONDS) * MICROSECONDS);
    segment.frames.push({ time: time - start, hash: undefined });
    const until = Math.min(next, starts[index + 1] ?? Number.POSITIVE_INFINITY);
    segment.lastDuration = until - time;
    const duration = ticks(until) - ticks(time);
    const track = this.#header!.tracks[0]!;
    await segment.spool.write(matroskaCluster({ track, time: ticks(time), duration, key, data, additions }));
  }

  /** Call it after an encoder's last frame. */
  end(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment?.spool === undefined) return;
    const { index, spool, frames, lastDuration } = segment;
    const max = this.#options.maxFramesIn(index);
    if (frames.length > max) {
      const reason = `the decoder returned ${frames.length} frames of segment ${index}, and the source has ${max}`;
      this.#assembly.failSegment(index, new SegmentError(reason));
      return;
    }
    const start = this.#options.starts[index]!;
    // Later than the segment, where the first frames can't be decoded.
    const first = frames[0]?.time ?? 0;
    this.#assembly.addVideo(index, {
      made: "encoded",
      codec: this.#options.codec,
      frames: frames.map(({ time, hash }) => ({ time: time - first, hash })),
      lastDuration,
      input: {
        format: "matroska",
        write: async (sink) => {
          for await (const chunk of spool.chunks()) await sink(chunk);
        },
      },
      clock: TIMESCALES.find((timescale) => frames.every(({ time }) => isInteger(time * timescale))) ?? TIMESCALES[0],
      zero: start,
      start: start + first,
      hash: pictureHasher(this.#options.codec),
      startsOnKey: true,
      mustDecode: true,
      size: this.#options.size,
      undecoded: this.#options.undecodedIn(
        index,
        frames.map(({ time }) => time + start),
      ),
      hiddenPackets: this.#options.hiddenIn?.(index) ?? 0,
      remove: () => spool.remove(),
    });
  }

  async #begin(index: number, isKey: boolean): Promise<void> {
    const expected = Math.max(this.#options.from, this.#next);
    this.end();
    this.#next = index + 1;
    if (index > expected)
      this.#assembly.failSegment(expected, new UndecodableSegmentsError({ from: expected, end: index }));
    if (!isKey) throw unreadable(`segment ${index} wouldn't start with a keyframe`);
    const { spools, from, last } = this.#options;
    const spool = index < from || index > last ? undefined : spools.spool(`${String(index).padStart(5, "0")}.encoded`);
    this.#segment = { index, spool, frames: [], lastDuration: 0 };
    await spool?.write(this.#header!.bytes);
  }
}

/** Common timescales, finest first. One in which all frame times are integers avoids rounding. */
const TIMESCALES = [90_000, 48_000, 30_000, 24_000, 60_000, 12_800, 15_360] as const;

const isInteger = (value: number): boolean => Math.abs(value - Math.round(value)) < 0.1;
