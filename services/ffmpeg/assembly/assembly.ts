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
  /** Path of ffprobe. */
  ffprobe: string;
  /** Where segments are written. */
  directory: string;
  /** Temporary files; the owner of the folder removes it. */
  spools: SpoolFolder;
  container: Container;
  metadata: ContainerMetadata;
  /** Compares a segment's HDR metadata with the source's; undefined when the source isn't HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  /** The source's sample entry or FourCC of the video codec, such as "hev1". */
  tag: string;
  /** Start of each segment's audio: seconds from the first video frame. */
  starts: readonly number[];
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Whether reading begins after the start of the source. */
  isSeeked: boolean;
  /** The audio tracks, and how each is written. */
  audio: readonly AudioTrack[];
  audioOutputs: readonly AudioOutput[];
  /** How many segments are muxed and proven concurrently. */
  concurrentMuxes: number;
  /** Called when nothing more can be taken, and when it can again. */
  hold?: ((isHeld: boolean) => void) | undefined;
  /** Called for each packet. */
  onPacket?: (() => void) | undefined;
  signal: AbortSignal;
};

/** When more finished segments than this wait for the consumer, reading pauses. */
const MAX_UNTAKEN = 3;

/**
 * How much later in the file audio may be stored than video of the same time. Muxers interleave
 * within a second or two.
 */
const INTERLEAVING_SECONDS = 30;

/**
 * Assembles segments from the video and audio packets of one reading of the source, in whatever
 * order these come. Yields each segment in order, as soon as it's complete and proven. Aborting the
 * signal ends all waiting.
 */
export class Assembly {
  readonly #options: AssemblyOptions;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #changed = new Condition();
  readonly #audio: AudioRouter;
  readonly #videos = new Map<number, SegmentVideo>();
  readonly #continuity = new AudioContinuity();
  readonly #finisher: SegmentFinisher;
  /** Time up to which the video was read: seconds from the first video frame. */
  #videoTime = Number.NEGATIVE_INFINITY;
  #next: number;
  #hasAllVideo = false;
  #ended = false;
  readonly #enough = new AbortController();
  #failure: { reason: unknown } | undefined;
  /** Why a segment's video can't be made, by its index. */
  readonly #impossible = new Map<number, unknown>();
  /** Segments that the consumer hasn't taken yet, in order. */
  readonly #made: Promise<MadeSegment>[] = [];
  #untaken = 0;
  readonly #muxes = new Set<Promise<MadeSegment>>();
  /** Files of segments that the consumer hasn't taken yet. */
  readonly #files = new Map<number, string>();

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#limit = pLimit(options.concurrentMuxes);
    this.#audio = new AudioRouter(options);
    this.#finisher = new SegmentFinisher(options);
  }

  /** Aborted when everything that the last segment needs was added: nothing more is to be read. */
  get enough(): AbortSignal {
    return this.#enough.signal;
  }

  /** The segment that a time (seconds from the first video frame) is in. */
  segmentAt(time: number): number {
    return this.#audio.segmentAt(time);
  }

  /**
   * Adds a packet of an audio track. `header` describes all tracks and is the same for all packets.
   */
  async addAudio(header: MatroskaHeader, track: number, packet: AudioPacket): Promise<void> {
    this.#options.onPacket?.();
    await this.#audio.add(header, track, packet);
    this.#advance();
  }

  /** Adds the complete video of a segment. */
  addVideo(index: number, video: SegmentVideo): void {
    this.#videos.set(index, video);
    this.#advance();
  }

  /**
   * Reports that the video was read up to `time` (seconds from the first video frame). Resolves
   * when more may be read. Throws the assembly's failure.
   */
  async videoRead(time: number): Promise<void> {
    this.#options.onPacket?.();
    this.#videoTime = Math.max(this.#videoTime, time);
    const hasRoom = () => {
      if (this.#failure !== undefined) throw this.#failure.reason;
      return this.#untaken < MAX_UNTAKEN;
    };
    if (hasRoom()) return;
    const { hold, signal } = this.#options;
    hold?.(true);
    await this.#changed.waitFor(hasRoom, signal).finally(() => hold?.(false));
  }

  /** Reports that no further packet of the video is needed, though segments may be incomplete. */
  allVideoRead(): void {
    this.#hasAllVideo = true;
    this.#advance();
  }

  /** The source was read to its end, or as far as it can be decoded. */
  end(): void {
    this.#ended = true;
    this.#advance();
    this.#changed.notify();
  }

  /** Reports a failure of the reading or of an encoder. The first one counts. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#changed.notify();
  }

  /**
   * Reports that the video of a segment can't be made. Segments before it are yielded all the same.
   */
  failSegment(index: number, reason: unknown): void {
    if (index < this.#next || this.#videos.has(index) || this.#impossible.has(index)) return;
    this.#impossible.set(index, reason);
    this.#advance();
  }

  #isReady(index: number): boolean {
    if (!this.#videos.has(index)) return false;
    return this.#ended || this.#hasAudioOf(index);
  }

  #hasAudioOf(index: number): boolean {
    const end = this.#options.starts[index + 1] ?? Number.POSITIVE_INFINITY;
    return this.#audio.isRead(end) || this.#videoTime >= end + INTERLEAVING_SECONDS;
  }

  #advance(): void {
    const { last } = this.#options;
    while (this.#failure === undefined && this.#next <= last && this.#isReady(this.#next)) {
      const index = this.#next;
      const audio = this.#audio.take(index);
      this.#next += 1;
      this.#untaken += 1;
      const made = this.#limit(() => this.#finish(index, audio));
      this.#muxes.add(made);
      made.catch((error: unknown) => this.fail(error)).finally(() => this.#muxes.delete(made));
      this.#made.push(made);
      this.#changed.notify();
    }
    if (this.#impossible.has(this.#next)) this.fail(this.#impossible.get(this.#next));
    if (this.#next > last) this.#enough.abort(new Error("the last segment that is needed has all packets"));
    else if (this.#hasAllVideo && this.#hasAudioOf(last)) this.#options.hold?.(true);
  }

  /** The segments in order; the consumer owns each one's file. Ends after the last complete one. */
  async *segments(): AsyncGenerator<MadeSegment> {
    const { signal } = this.#options;
    const isAtEnd = () => this.#ended || this.#enough.signal.aborted || this.#failure !== undefined;
    for (;;) {
      await this.#changed.waitFor(() => this.#made.length > 0 || isAtEnd(), signal);
      const made = this.#made.shift();
      if (made === undefined) {
        if (this.#failure !== undefined) throw this.#failure.reason;
        return;
      }
      const segment = await unlessAborted(made, signal);
      this.#continuity.add(segment.proof);
      this.#files.delete(segment.index);
      yield segment;
      this.#untaken -= 1;
      this.#changed.notify();
    }
  }

  async #finish(index: number, audio: SegmentAudio | undefined): Promise<MadeSegment> {
    const { directory, container, signal } = this.#options;
    signal.throwIfAborted();
    const video = this.#videos.get(index)!;
    this.#videos.delete(index);
    const path = join(directory, `${nameOf(index)}.${container.extension}`);
    this.#files.set(index, path);
    return this.#finisher.finish({ index, path, video, audio });
  }

  /**
   * Resolves when no mux runs any more and the files of all segments that weren't taken are
   * removed. Call it after an abort.
   */
  async close(): Promise<void> {
    this.#options.hold?.(false);
    await Promise.allSettled(this.#muxes);
    await Promise.all([...this.#files.values()].map((path) => rm(path, { force: true })));
  }
}

const nameOf = (index: number): string => String(index).padStart(5, "0");
