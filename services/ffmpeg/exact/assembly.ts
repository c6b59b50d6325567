import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import type { MatroskaHeader } from "../formats/matroska/writer.ts";
import { pictureHasher } from "../formats/nal/units.ts";
import { stampFile } from "../formats/stamp-file.ts";
import { Condition, unlessAborted } from "../process/condition.ts";
import { unreadable } from "../process/errors.ts";
import { type Expected, proveSegment, roundingOf, type SourceFrame } from "../proof/proof.ts";
import { type FileFacts, stampAt } from "../source/file-facts.ts";
import type { AudioPacket } from "./audio-reading.ts";
import { type Join, joinSegment } from "./join.ts";
import type { JointCheck } from "./joint-check.ts";
import { SegmentAudio } from "./segment-audio.ts";
import type { SpoolFolder } from "./spool.ts";

/** The picture of one segment, whole. */
export type SegmentPicture = Pick<Join, "videoFormat" | "clock" | "writeVideo"> & {
  made: MadeSegment["made"];
  /** As ffprobe names it. */
  codec: string;
  /** In presentation order; times are seconds from the segment's start in the plan. */
  frames: SourceFrame[];
  /** Of the last frame, in seconds. */
  lastDuration: number;
  /** Begins to look at the packets of the produced file. */
  check?: () => JointCheck;
  /** Removes its temporary files. */
  remove: () => Promise<void>;
};

export type AssemblyOptions = {
  binary: string;
  /** Where segments are written. */
  directory: string;
  /** For what is needed on the way; removed by its owner. */
  spools: SpoolFolder;
  container: Container;
  facts: FileFacts;
  /** What the source's container calls the picture's codec. */
  tag: string;
  /** When each segment starts: seconds from the video's first frame. */
  starts: readonly number[];
  /** The first segment that is needed. */
  from: number;
  /** Codecs of the tracks that are kept. */
  audioCodecs: readonly string[];
  signal: AbortSignal;
};

/** Segments joined and proven at the same time. */
const JOINS_AT_ONCE = 2;

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
  readonly #limit = pLimit(JOINS_AT_ONCE);
  readonly #changed = new Condition();
  readonly #audio = new Map<number, SegmentAudio>();
  readonly #pictures = new Map<number, SegmentPicture>();
  /** How far each audio track, and the picture, was read: seconds from the video's first frame. */
  readonly #audioTimes: number[];
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
    this.#audioTimes = options.audioCodecs.map(() => Number.NEGATIVE_INFINITY);
  }

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

  /** A packet of an audio track; `header` has all tracks, and is the same for all packets. */
  async addAudio(header: MatroskaHeader, track: number, packet: AudioPacket): Promise<void> {
    const { starts, spools, from } = this.#options;
    const index = this.segmentAt(packet.time);
    this.#audioTimes[track] = packet.time;
    if (index >= from) {
      if (index < this.#next) throw unreadable("sound came too long after its picture");
      let audio = this.#audio.get(index);
      if (audio === undefined) {
        audio = new SegmentAudio(spools.spool(`${nameOf(index)}.audio`), header);
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

  /**
   * How far the picture was read: seconds from the first frame. Resolves when there's room for
   * more; throws what the assembly has failed with.
   */
  async pictureRead(time: number): Promise<void> {
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
    return (
      this.#ended || this.#audioTimes.every((time) => time >= end) || this.#pictureTime >= end + INTERLEAVING_SECONDS
    );
  }

  #advance(): void {
    while (this.#failure === undefined && this.#isReady(this.#next)) {
      const index = this.#next;
      this.#next += 1;
      this.#untaken += 1;
      const made = this.#limit(() => this.#finish(index));
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
      this.#files.delete(segment.index);
      yield segment;
      this.#untaken -= 1;
      this.#changed.notify();
    }
  }

  async #finish(index: number): Promise<MadeSegment> {
    const { binary, directory, container, facts, tag: own, signal, audioCodecs, starts } = this.#options;
    signal.throwIfAborted();
    const picture = this.#pictures.get(index)!;
    const audio = this.#audio.get(index);
    this.#pictures.delete(index);
    this.#audio.delete(index);
    await audio?.flush();
    const output = `${nameOf(index)}.${container.extension}`;
    const path = join(directory, output);
    this.#files.set(index, path);
    const { videoFormat, clock, writeVideo, made, codec } = picture;
    const tag = codec === "hevc" ? hevcTag(own) : undefined;
    const joined = { binary, directory, container, facts, tag, output, videoFormat, clock, writeVideo, signal };
    await joinSegment({ ...joined, audio: audio?.path });
    await audio?.remove();
    await stampFile(path, container, stampAt(facts, starts[index]! + (picture.frames[0]?.time ?? 0)));

    const proof = await this.#prove(index, path, picture, audio);
    await picture.remove();
    const kept = audio === undefined ? [] : [...audioCodecs];
    return { index, path, bytes: (await stat(path)).size, made, codec, audioCodecs: kept, proof };
  }

  async #prove(index: number, path: string, picture: SegmentPicture, audio: SegmentAudio | undefined) {
    const { binary, directory, container, signal, audioCodecs, starts } = this.#options;
    const { codec, frames, lastDuration } = picture;
    const expected: Expected = {
      hash: pictureHasher(codec),
      frames,
      start: starts[index]! + (frames[0]?.time ?? 0),
      lastDuration,
      audio: (track) => audio?.times[track] ?? [],
      audioIsPacked: audio === undefined ? [] : audioCodecs.map((name) => !name.startsWith("pcm_")),
      rounding: roundingOf(container),
      startsOnKey: true,
    };
    const audioTracks = expected.audioIsPacked.length;
    const check = picture.check?.();
    try {
      const product = { binary, directory, path, audioTracks, container, codec, signal };
      const proof = await proveSegment(product, expected, check?.onPacket);
      await check?.end();
      return proof;
    } finally {
      await check?.stop();
    }
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

/** ffmpeg's own choice is hev1, which Apple's players don't show. */
const hevcTag = (own: string): string => (["hev1", "dvhe"].includes(own) ? "hev1" : "hvc1");
