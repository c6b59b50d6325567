import type { Assembly } from "../assembly/assembly.ts";
import { MUX_OFFSET_SECONDS } from "../assembly/mux-segment.ts";
import type { Spool, SpoolFolder } from "../assembly/spool.ts";
import { type MatroskaHeader, matroskaCluster } from "../formats/matroska/writer.ts";
import { pictureHasher } from "../formats/nal/units.ts";
import { unreadable } from "../process/errors.ts";

/** Its time is seconds from the video's first frame. */
export type EncodedFrame = {
  time: number;
  key: boolean;
  data: Buffer;
  /** What comes beside it in Matroska, such as transparency. */
  additions: Buffer | undefined;
};

export type EncodedSegmentWriterOptions = {
  /** As ffprobe names it. */
  codec: string;
  /** In pixels, as displayed. */
  size: [number, number];
  header: MatroskaHeader;
  /** When each segment starts, in seconds from the first frame. */
  starts: readonly number[];
  /** The first segment that is needed. */
  from: number;
  spools: SpoolFolder;
};

type Segment = {
  index: number;
  /** Undefined where the segment isn't needed. */
  spool: Spool | undefined;
  frames: { time: number; hash: undefined }[];
  lastDuration: number;
};

const MICROSECONDS = 1_000_000;

/**
 * Writes the encoded frames of each segment to a Matroska file, and hands it over to be joined when
 * the next one begins.
 */
export class EncodedSegmentWriter {
  readonly #options: EncodedSegmentWriterOptions;
  readonly #assembly: Assembly;
  #segment: Segment | undefined;

  constructor(options: EncodedSegmentWriterOptions, assembly: Assembly) {
    this.#options = options;
    this.#assembly = assembly;
  }

  /** Takes the next frame, in presentation order; `next` is the time of the one after it. */
  async add({ time, key, data, additions }: EncodedFrame, next: number): Promise<void> {
    const { header, starts } = this.#options;
    const index = this.#assembly.segmentAt(time);
    if (this.#segment?.index !== index) await this.#begin(index, key);
    const segment = this.#segment;
    if (segment?.spool === undefined) return;
    const start = starts[index]!;
    const ticks = (seconds: number) => Math.round((seconds - start + MUX_OFFSET_SECONDS) * MICROSECONDS);
    segment.frames.push({ time: time - start, hash: undefined });
    segment.lastDuration = next - time;
    const duration = ticks(next) - ticks(time);
    const track = header.tracks[0]!;
    await segment.spool.write(matroskaCluster({ track, time: ticks(time), duration, key, data, additions }));
  }

  /** There are no more frames. */
  end(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment?.spool === undefined) return;
    const { index, spool, frames, lastDuration } = segment;
    const start = this.#options.starts[index]!;
    this.#assembly.addVideo(index, {
      made: "encoded",
      codec: this.#options.codec,
      frames,
      lastDuration,
      input: {
        format: "matroska",
        write: async (sink) => {
          for await (const chunk of spool.chunks()) await sink(chunk);
        },
      },
      clock: CLOCKS.find((clock) => frames.every(({ time }) => isWhole(time * clock))) ?? CLOCKS[0],
      zero: start,
      start: start + (frames[0]?.time ?? 0),
      hash: pictureHasher(this.#options.codec),
      startsOnKey: true,
      mustDecode: true,
      size: this.#options.size,
      remove: () => spool.remove(),
    });
  }

  async #begin(index: number, isKey: boolean): Promise<void> {
    this.end();
    if (!isKey) throw unreadable(`segment ${index} would start with no keyframe`);
    const { spools, from, header } = this.#options;
    const spool = index < from ? undefined : spools.spool(`${String(index).padStart(5, "0")}.encoded`);
    this.#segment = { index, spool, frames: [], lastDuration: 0 };
    await spool?.write(header.bytes);
  }
}

/**
 * Common clocks, the finest first; one in which every frame's time is whole keeps it without
 * rounding.
 */
const CLOCKS = [90_000, 48_000, 30_000, 24_000, 60_000, 12_800, 15_360] as const;

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 0.1;
