import { rename, stat } from "node:fs/promises";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import { isMatroska } from "../formats/containers.ts";
import { patchMetadata } from "../formats/patch-metadata.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import { type Expected, type PacketCheck, proveSegment, roundingOf, type SourceFrame } from "../proof/prove-segment.ts";
import { type ContainerMetadata, metadataPatchAt } from "../source/container-metadata.ts";
import type { AudioTrack } from "../source/describe.ts";
import { type AudioOutput, isPcm } from "./audio-output.ts";
import { muxSegment, type PipedVideo, type VideoFile } from "./mux-segment.ts";
import type { SegmentAudio } from "./segment-audio.ts";

/**
 * Takes the packets of a produced file in decode order. Whoever began it calls `stop`, however it
 * ends.
 */
export type RunningPacketCheck = PacketCheck & {
  /** Ends what still runs. */
  stop(): Promise<void>;
};

/** The picture of one segment, whole. */
export type SegmentVideo = {
  made: MadeSegment["made"];
  /** As ffprobe names it. */
  codec: string;
  /** What it comes as. A file is the segment itself, where there's no sound to be joined with it. */
  input: PipedVideo | VideoFile;
  /** Ticks a second, where the container keeps one. Undefined: as it comes. */
  clock: number | undefined;
  /** Seconds from the video's first frame to what is at zero in the input. */
  zero: number;
  /** And to the segment's first frame. */
  start: number;
  /** In presentation order; times are seconds from the segment's first frame. */
  frames: SourceFrame[];
  /** Of the last frame, in seconds. */
  lastDuration: number;
  /** Hashes the produced file's packets, one after the other, as those of `frames` were. */
  hash: (packet: Buffer) => number;
  /** False for a source's own beginning, which may be no keyframe. */
  startsOnKey: boolean;
  /** Whether frames that don't decode fail the proof; else they are counted. */
  mustDecode: boolean;
  /** That the produced file must have, in pixels as displayed; undefined where the packets alone say it. */
  size?: [number, number];
  /** Begins to look at the packets of the produced file. */
  check?: () => RunningPacketCheck;
  /** Removes its temporary files. */
  remove: () => Promise<void>;
};

export type FinisherOptions = {
  binary: string;
  directory: string;
  container: Container;
  metadata: ContainerMetadata;
  /** Of a source that is HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  /** What the source's container calls the picture's codec. */
  tag: string;
  /** When the sound of each segment starts: seconds from the video's first frame. */
  starts: readonly number[];
  /** The tracks of sound, and what becomes of each. */
  audio: readonly AudioTrack[];
  audioOutputs: readonly AudioOutput[];
  signal: AbortSignal;
};

/** A segment of which all is there. */
export type WholeSegment = {
  index: number;
  /** Where its file is written. */
  path: string;
  picture: SegmentVideo;
  /** Undefined where it has no sound. */
  audio: SegmentAudio | undefined;
};

/** Matroska rounds to milliseconds. */
const MIN_SHIFT_SECONDS = 0.0021;

/** Joins picture and sound of segments, and proves their files. */
export class SegmentFinisher {
  readonly #options: FinisherOptions;
  /** Added to the times of all sound, in seconds. */
  #correction = 0;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** Writes the segment's file, and removes what it was made from. */
  async finish(segment: WholeSegment): Promise<MadeSegment> {
    const { index, path, picture, audio } = segment;
    await audio?.flush();
    const expected = this.#expectedOf(segment);
    let correction = this.#correction;
    await this.#write(segment, correction);
    let proof = await this.#prove(segment, expected);
    const shift = this.#shiftOf(expected, proof);
    if (Math.abs(shift) > MIN_SHIFT_SECONDS) {
      correction = this.#correctionFor(shift, audio) + correction;
      await this.#write(segment, correction);
      proof = await this.#prove(segment, expected);
    }
    await audio?.remove();
    await picture.remove();
    const audioOutputs = audio === undefined ? [] : this.#options.audioOutputs;
    return {
      index,
      path,
      bytes: (await stat(path)).size,
      made: picture.made,
      codec: picture.codec,
      audioCodecs: audioOutputs.map((way) => way.codec),
      audioMade: audioOutputs.some(({ isEncoded }) => isEncoded) ? "encoded" : "copied",
      proof,
    };
  }

  async #write(segment: WholeSegment, correction: number): Promise<void> {
    const { container, metadata } = this.#options;
    const { path, picture } = segment;
    await this.#mux(segment, correction);
    const { start, lastDuration } = picture;
    await patchMetadata(path, container, { ...metadataPatchAt(metadata, start), lastDuration });
  }

  async #mux({ index, path, picture, audio }: WholeSegment, correction: number): Promise<void> {
    const { binary, directory, container, metadata, tag, signal, audioOutputs, starts } = this.#options;
    const { input, clock, zero, codec } = picture;
    if ("path" in input && audioOutputs.length === 0) return rename(input.path, path);
    await muxSegment({
      binary,
      directory,
      container,
      metadata,
      tag: codec === "hevc" ? hevcTag(tag) : undefined,
      output: path,
      picture: input,
      clock,
      audio: audio && {
        path: audio.path,
        late: starts[index]! - zero + correction,
        codecs: audioOutputs.map(({ muxEncoder }) => muxEncoder),
        defaults: this.#options.audio.map(({ isDefault }) => isDefault),
      },
      lead: audio?.lead ?? 0,
      signal,
    });
  }

  #expectedOf({ index, picture, audio }: WholeSegment): Expected {
    const { container, audioOutputs, starts, dynamicRange } = this.#options;
    const { frames, lastDuration, start, hash, startsOnKey, mustDecode, size } = picture;
    return {
      hash,
      frames,
      start,
      lastDuration,
      audio: (audio?.packets ?? []).map((packets, track) => ({
        packets: packets.map((packet) => ({ ...packet, time: packet.time + starts[index]! - start })),
        isPacked: !isPcm(audioOutputs[track]!.codec),
      })),
      rounding: roundingOf(container),
      startsOnKey,
      mustDecode,
      size,
      dynamicRange,
    };
  }

  async #prove({ path, picture }: WholeSegment, expected: Expected): Promise<MadeSegment["proof"]> {
    const { binary, directory, container, signal } = this.#options;
    const check = picture.check?.();
    try {
      const audioTracks = expected.audio.length;
      const segment = { binary, directory, path, audioTracks, container, codec: picture.codec, signal };
      return await proveSegment(segment, expected, check);
    } finally {
      await check?.stop();
    }
  }

  /**
   * What is measured is rounded, so a segment that is made again might get other bytes: where it is the
   * delay that the header states, that counts, for further segments too.
   */
  #correctionFor(shift: number, audio: SegmentAudio | undefined): number {
    const delay = audio?.delay ?? 0;
    if (Math.abs(shift + delay) > MIN_SHIFT_SECONDS) return -shift;
    this.#correction = delay;
    return delay;
  }

  /**
   * Seconds by which all sound is late. ffmpeg's Matroska muxer says before version 6 how long a
   * codec's delay is and doesn't add it to the times, so that players have the sound too early.
   */
  #shiftOf({ audio, start }: Expected, { sound = [] }: MadeSegment["proof"]): number {
    if (!isMatroska(this.#options.container)) return 0;
    const shifts = audio.flatMap(({ packets }, track) => {
      const first = packets.find(({ isPlayed }) => isPlayed);
      const found = sound[track]?.start;
      return first === undefined || found === undefined ? [] : [found - start - first.time];
    });
    const [least, most] = [Math.min(...shifts), Math.max(...shifts)];
    return shifts.length > 0 && most - least < MIN_SHIFT_SECONDS ? (least + most) / 2 : 0;
  }
}

/** ffmpeg's own choice is hev1, which Apple's players don't show. */
const hevcTag = (own: string): string => (["hev1", "dvhe"].includes(own) ? "hev1" : "hvc1");
