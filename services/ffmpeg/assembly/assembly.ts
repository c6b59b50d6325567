import { rm } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import type { MatroskaHeader } from "../formats/matroska/writer.ts";
import { Condition, unlessAborted } from "../process/condition.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import { AudioContinuity } from "../proof/prove-audio.ts";
import type { ContainerMetadata } from "../source/container-metadata.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { AudioOutput } from "./audio-output.ts";
import { AudioRouter } from "./audio-router.ts";
import type { SegmentAudio } from "./segment-audio.ts";
import { SegmentFinisher, type SegmentVideo } from "./segment-finisher.ts";
import type { AudioPacket } from "./split-audio-packets.ts";
import type { SpoolFolder } from "./spool.ts";

export type AssemblyOptions = {
  binary: string;
  /** Where segments are written. */
  directory: string;
  /** For what is needed on the way; removed by its owner. */
  spools: SpoolFolder;
  container: Container;
  metadata: ContainerMetadata;
  /** Of a source that is HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  /** What the source's container calls the picture's codec. */
  tag: string;
  /** When the sound of each segment starts: seconds from the video's first frame. */
  starts: readonly number[];
  /** The first segment that is needed. */
  from: number;
  /** The tracks of sound, and what becomes of each. */
  audio: readonly AudioTrack[];
  audioOutputs: readonly AudioOutput[];
  /** Segments that are joined and proven at the same time. */
  concurrentMuxes: number;
  signal: AbortSignal;
};

/** Segments that may be finished and not yet taken, before the reading is held back. */
const MAX_UNTAKEN = 3;

/**
 * Sound may come this much later in the file than the picture of the same time. Muxers keep them
 * within a second or two.
 */
const INTERLEAVING_SECONDS = 30;

/**
 * Puts segments together from what a reading of the source brings, in whatever order picture and
 * sound come, and hands each one out in order as soon as it's complete and proven. What it waits
 * for ends when the signal is aborted.
 */
export class Assembly {
  readonly #options: AssemblyOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #changed = new Condition();
  readonly #audio: AudioRouter;
  readonly #pictures = new Map<number, SegmentVideo>();
  readonly #sound = new AudioContinuity();
  readonly #finisher: SegmentFinisher;
  /** How far the picture was read: seconds from the video's first frame. */
  #pictureTime = Number.NEGATIVE_INFINITY;
  #next: number;
  #ended = false;
  #failure: { reason: unknown } | undefined;
  /** Segments that were not yet taken, in order. */
  readonly #made: Promise<MadeSegment>[] = [];
  #untaken = 0;
  readonly #joins = new Set<Promise<MadeSegment>>();
  /** Files of segments that were not yet taken. */
  readonly #files = new Map<number, string>();

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#limit = pLimit(options.concurrentMuxes);
    this.#audio = new AudioRouter(options);
    this.#finisher = new SegmentFinisher(options);
  }

  /** The segment that holds this time. */
  segmentAt(time: number): number {
    return this.#audio.segmentAt(time);
  }

  /** A packet of an audio track; `header` has all tracks, and is the same for all packets. */
  async addAudio(header: MatroskaHeader, track: number, packet: AudioPacket): Promise<void> {
    await this.#audio.add(header, track, packet);
    this.#advance();
  }

  /** All of a segment's picture is there. */
  addVideo(index: number, picture: SegmentVideo): void {
    this.#pictures.set(index, picture);
    this.#advance();
  }

  /**
   * How far the picture was read: seconds from the first frame. Resolves when there's room for
   * more; throws what the assembly has failed with.
   */
  async videoRead(time: number): Promise<void> {
    this.#pictureTime = Math.max(this.#pictureTime, time);
    await this.#changed.waitFor(() => {
      if (this.#failure !== undefined) throw this.#failure.reason;
      return this.#untaken < MAX_UNTAKEN;
    }, this.#options.signal);
  }

  /** The source was read to its end, or as far as it can be decoded. */
  end(): void {
    this.#ended = true;
    this.#advance();
    this.#changed.notify();
  }

  /** The reading, or an encoder, has failed. The first failure counts. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#changed.notify();
  }

  #isReady(index: number): boolean {
    if (!this.#pictures.has(index)) return false;
    const end = this.#options.starts[index + 1] ?? Number.POSITIVE_INFINITY;
    return this.#ended || this.#audio.isRead(end) || this.#pictureTime >= end + INTERLEAVING_SECONDS;
  }

  #advance(): void {
    while (this.#failure === undefined && this.#isReady(this.#next)) {
      const index = this.#next;
      const audio = this.#audio.take(index);
      this.#next += 1;
      this.#untaken += 1;
      const made = this.#limit(() => this.#finish(index, audio));
      this.#joins.add(made);
      made.catch((error: unknown) => this.fail(error)).finally(() => this.#joins.delete(made));
      this.#made.push(made);
      this.#changed.notify();
    }
  }

  /**
   * Each segment in order; whoever takes one owns its file. Ends after the last one that is
   * complete.
   */
  async *segments(): AsyncGenerator<MadeSegment> {
    const { signal } = this.#options;
    const isAtEnd = () => this.#ended || this.#failure !== undefined;
    for (;;) {
      await this.#changed.waitFor(() => this.#made.length > 0 || isAtEnd(), signal);
      const made = this.#made.shift();
      if (made === undefined) {
        if (this.#failure !== undefined) throw this.#failure.reason;
        return;
      }
      const segment = await unlessAborted(made, signal);
      this.#sound.add(segment.proof);
      this.#files.delete(segment.index);
      yield segment;
      this.#untaken -= 1;
      this.#changed.notify();
    }
  }

  async #finish(index: number, audio: SegmentAudio | undefined): Promise<MadeSegment> {
    const { directory, container, signal } = this.#options;
    signal.throwIfAborted();
    const picture = this.#pictures.get(index)!;
    this.#pictures.delete(index);
    const path = join(directory, `${nameOf(index)}.${container.extension}`);
    this.#files.set(index, path);
    return this.#finisher.finish({ index, path, picture, audio });
  }

  /**
   * Resolves when nothing is joined any more, and no file is left but those that were taken. To be
   * called after an abort.
   */
  async close(): Promise<void> {
    await Promise.allSettled(this.#joins);
    await Promise.all([...this.#files.values()].map((path) => rm(path, { force: true })));
  }
}

const nameOf = (index: number): string => String(index).padStart(5, "0");
