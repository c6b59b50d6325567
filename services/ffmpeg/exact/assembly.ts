import { stat } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import type { MatroskaHeader } from "../formats/matroska.ts";
import { pictureHasher } from "../formats/nal-units.ts";
import { unreadable } from "../process/errors.ts";
import { type Expected, proveSegment, roundingOf, type SourceFrame } from "../proof/proof.ts";
import { type Join, joinSegment } from "./join.ts";
import { SegmentAudio } from "./segment-audio.ts";

/** The picture of one segment, whole. */
export type SegmentPicture = Pick<Join, "videoFormat" | "clock" | "writeVideo"> & {
  made: MadeSegment["made"];
  /** As ffprobe names it. */
  codec: string;
  /** In presentation order; times are seconds from the segment's start in the plan. */
  frames: SourceFrame[];
  /** Of the last frame, in seconds. */
  lastDuration: number;
  /** Looks at each packet of the produced file, in decode order, and throws where they can't be played. */
  check?: () => { onPacket: (data: Buffer, index: number) => Promise<void>; end: () => Promise<void> };
  remove: () => Promise<void>;
};

export type AssemblyOptions = {
  binary: string;
  /** Where segments are written. */
  directory: string;
  /** For what is needed on the way; removed by its owner. */
  spoolDirectory: string;
  container: Container;
  /** When each segment starts: seconds from the video's first frame. */
  starts: readonly number[];
  /** Of the first segment that is wanted. */
  from: number;
  /** Codecs of the tracks that are kept. */
  audioCodecs: readonly string[];
  signal: AbortSignal;
};

/** Segments joined and proven at the same time. */
const JOINS_AT_ONCE = 2;

/** Segments that may be finished and not yet taken, before the reading is held back. */
const MOST_UNTAKEN = 3;

/** Sound may come this much later in the file than the picture of the same time. Muxers keep them within a second or two. */
const INTERLEAVING_SECONDS = 30;

/**
 * Puts segments together out of what a reading of the source brings, in whatever order it brings picture and sound, and
 * hands each one out in order as soon as it's complete and proven.
 */
export class Assembly {
  readonly #options: AssemblyOptions;
  readonly #limit = pLimit(JOINS_AT_ONCE);
  readonly #audio = new Map<number, SegmentAudio>();
  readonly #pictures = new Map<number, SegmentPicture>();
  readonly #heard: number[];
  #seen = Number.NEGATIVE_INFINITY;
  #next: number;
  #ended = false;
  #queue: Promise<MadeSegment>[] = [];
  #untaken = 0;
  #failure: { reason: unknown } | undefined;
  #wakeReader = () => {};
  #wakeTaker = () => {};

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#heard = options.audioCodecs.map(() => Number.NEGATIVE_INFINITY);
  }

  /** The head of the audio files; to be set before any audio. */
  audioHeader: MatroskaHeader | undefined;

  /** The segment that holds this time. */
  segmentAt(time: number): number {
    const { starts } = this.#options;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= time + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** A packet of audio; its time is seconds from the video's first frame. */
  async addAudio(track: number, packet: { time: number; duration: number; data: Buffer }): Promise<void> {
    const { starts, spoolDirectory, from } = this.#options;
    const index = this.segmentAt(packet.time);
    this.#heard[track] = packet.time;
    if (index >= from) {
      if (index < this.#next) throw unreadable("sound came too long after its picture");
      let audio = this.#audio.get(index);
      if (audio === undefined) {
        if (this.audioHeader === undefined) throw unreadable("sound came before its header");
        audio = new SegmentAudio(spoolDirectory, index, this.audioHeader);
        this.#audio.set(index, audio);
      }
      await audio.write(track, { ...packet, time: packet.time - starts[index]! });
    }
    this.#advance();
  }

  /** All of a segment's picture is there. */
  addPicture(index: number, picture: SegmentPicture): void {
    this.#pictures.set(index, picture);
    this.#advance();
  }

  /** How far the picture was read: seconds from the first frame. Resolves when there's room for more. */
  async seen(time: number): Promise<void> {
    this.#seen = Math.max(this.#seen, time);
    while (this.#untaken >= MOST_UNTAKEN && this.#failure === undefined) {
      this.#advance();
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** The source was read to its end, or as far as it will be. */
  end(): void {
    this.#ended = true;
    this.#advance();
    this.#wakeTaker();
  }

  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wakeReader();
    this.#wakeTaker();
  }

  #isReady(index: number): boolean {
    if (!this.#pictures.has(index)) return false;
    const end = this.#options.starts[index + 1] ?? Number.POSITIVE_INFINITY;
    return this.#ended || this.#heard.every((time) => time >= end) || this.#seen >= end + INTERLEAVING_SECONDS;
  }

  #advance(): void {
    while (this.#failure === undefined && this.#isReady(this.#next)) {
      const index = this.#next;
      this.#next += 1;
      this.#untaken += 1;
      const made = this.#limit(() => this.#finish(index));
      made.catch((error: unknown) => this.fail(error));
      this.#queue.push(made);
      this.#wakeTaker();
    }
  }

  /** Each segment in order; ends after the last one that is complete. */
  async *take(): AsyncGenerator<MadeSegment> {
    for (;;) {
      const made = this.#queue.shift();
      if (made !== undefined) {
        yield await made;
        this.#untaken -= 1;
        this.#wakeReader();
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure.reason;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
    }
  }

  async #finish(index: number): Promise<MadeSegment> {
    const { binary, directory, container, signal, audioCodecs } = this.#options;
    const picture = this.#pictures.get(index)!;
    const audio = this.#audio.get(index);
    this.#pictures.delete(index);
    this.#audio.delete(index);
    await audio?.close();
    const output = `${String(index).padStart(5, "0")}.${container.extension}`;
    const path = join(directory, output);
    const { videoFormat, clock, writeVideo, made, codec } = picture;
    const joined = { binary, directory, container, output, videoFormat, clock, writeVideo, signal };
    await joinSegment({ ...joined, audio: audio?.path });
    await audio?.remove();

    const expected: Expected = {
      hash: pictureHasher(codec),
      frames: picture.frames,
      start: this.#options.starts[index]! + (picture.frames[0]?.time ?? 0),
      lastDuration: picture.lastDuration,
      audio: (track) => audio?.times[track] ?? [],
      audioIsPacked: audio === undefined ? [] : audioCodecs.map((name) => !name.startsWith("pcm_")),
      rounding: roundingOf(container),
      startsOnKey: true,
    };
    const check = picture.check?.();
    const audioTracks = expected.audioIsPacked.length;
    const product = { binary, directory, path, audioTracks, container, codec, signal };
    const proof = await proveSegment(product, expected, check?.onPacket);
    await check?.end();
    await picture.remove();
    const kept = audio === undefined ? [] : [...audioCodecs];
    return { index, path, bytes: (await stat(path)).size, made, codec, audioCodecs: kept, proof };
  }

  /** Resolves when nothing is being joined any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#queue);
    await this.#limit(() => undefined);
  }
}
