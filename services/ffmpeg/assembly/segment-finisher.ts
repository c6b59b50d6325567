import { rename, stat } from "node:fs/promises";
import type { Stretch } from "../../split/domain/proof.ts";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import { isMatroska } from "../formats/containers.ts";
import { patchMetadata } from "../formats/patch-metadata.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import {
  type ExpectedSegment,
  type PacketCheck,
  proveSegment,
  roundingOf,
  type SourceFrame,
} from "../proof/prove-segment.ts";
import { type ContainerMetadata, metadataPatchAt } from "../source/container-metadata.ts";
import type { AudioTrack } from "../source/describe.ts";
import { type AudioOutput, isPcm } from "./audio-output.ts";
import { muxSegment, type PipedVideo, type VideoFile } from "./mux-segment.ts";
import type { SegmentAudio } from "./segment-audio.ts";

/** A check that gets a segment file's packets in decode order. Its creator must call `stop`. */
export type RunningPacketCheck = PacketCheck & {
  /** Ends the processes that still run. */
  stop(): Promise<void>;
};

/** The complete video of one segment. */
export type SegmentVideo = {
  made: MadeSegment["made"];
  /** Codec, as ffprobe names it. */
  codec: string;
  /** The video itself. A file is the finished segment when there's no audio to mux. */
  input: PipedVideo | VideoFile;
  /**
   * Ticks per second of the video track, for containers that have a timescale; undefined: the
   * muxer's.
   */
  clock: number | undefined;
  /** Time zero of the input: seconds from the first video frame. */
  zero: number;
  /** The segment's first frame: seconds from the first video frame. */
  start: number;
  /** In presentation order; times are seconds from the segment's first frame. */
  frames: SourceFrame[];
  /** Duration of the last frame in seconds. */
  lastDuration: number;
  /** Hashes the segment file's packets in order, in the same way as those of `frames`. */
  hash: (packet: Buffer) => number;
  /** False for the beginning of a source, which may not be a keyframe. */
  startsOnKey: boolean;
  /** Whether frames that don't decode fail the proof; otherwise they are counted. */
  mustDecode: boolean;
  /** Size that the file must have, in pixels as displayed; undefined: not checked. */
  size?: [number, number];
  /**
   * Where frames of the source aren't in it, since they can't be decoded: seconds from the first
   * video frame. Default: nowhere.
   */
  undecoded?: readonly Stretch[];
  /** Packets of the source that aren't in it and aren't frames. Default: none. */
  hiddenPackets?: number;
  /** Whether nothing in it may decode: a decoder of the source gave nothing either. Default: no. */
  mayBeUndecodable?: boolean;
  /** Whether the source has lost packets within the segment, or right before it. Default: no. */
  hasLoss?: boolean;
  /** Starts a check of the segment file's packets. */
  check?: () => RunningPacketCheck;
  /** Removes the video's temporary files. */
  remove: () => Promise<void>;
};

export type FinisherOptions = {
  binary: string;
  /** Path of ffprobe. */
  ffprobe: string;
  directory: string;
  container: Container;
  metadata: ContainerMetadata;
  /** Compares a segment's HDR metadata with the source's; undefined when the source isn't HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  /** The source's sample entry or FourCC of the video codec, such as "hev1". */
  tag: string;
  /** Start of each segment's audio: seconds from the first video frame. */
  starts: readonly number[];
  /** The audio tracks, and how each is written. */
  audio: readonly AudioTrack[];
  audioOutputs: readonly AudioOutput[];
  signal: AbortSignal;
};

/** A segment whose video and audio are complete. */
export type CompleteSegment = {
  index: number;
  /** Path that the segment is written to. */
  path: string;
  video: SegmentVideo;
  /** Undefined when the segment has no audio. */
  audio: SegmentAudio | undefined;
};

/** Smaller shifts are Matroska's rounding to milliseconds. */
const MIN_SHIFT_SECONDS = 0.0021;

/** Muxes segments, patches their metadata and proves their files. */
export class SegmentFinisher {
  readonly #options: FinisherOptions;
  /** Added to all audio times, in seconds. */
  #correction = 0;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** Writes and proves the segment's file. Removes the temporary files it was made from. */
  async finish(segment: CompleteSegment): Promise<MadeSegment> {
    const { index, path, video, audio } = segment;
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
    await video.remove();
    const audioOutputs = audio === undefined ? [] : this.#options.audioOutputs;
    return {
      index,
      path,
      bytes: (await stat(path)).size,
      made: video.made,
      codec: video.codec,
      audioCodecs: audioOutputs.map((way) => way.codec),
      audioMade: audioOutputs.some(({ isEncoded }) => isEncoded) ? "encoded" : "copied",
      proof,
    };
  }

  async #write(segment: CompleteSegment, correction: number): Promise<void> {
    const { container, metadata } = this.#options;
    const { path, video } = segment;
    await this.#mux(segment, correction);
    const { start, lastDuration } = video;
    await patchMetadata(path, container, { ...metadataPatchAt(metadata, start), lastDuration });
  }

  async #mux({ index, path, video, audio }: CompleteSegment, correction: number): Promise<void> {
    const { binary, directory, container, metadata, tag, signal, audioOutputs, starts } = this.#options;
    const { input, clock, zero, codec } = video;
    if ("path" in input && audioOutputs.length === 0) return rename(input.path, path);
    await muxSegment({
      binary,
      directory,
      container,
      metadata,
      codec,
      tag: codec === "hevc" ? hevcTag(tag) : undefined,
      output: path,
      video: input,
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

  #expectedOf({ index, video, audio }: CompleteSegment): ExpectedSegment {
    const { container, audioOutputs, starts, dynamicRange } = this.#options;
    const { frames, lastDuration, start, hash, startsOnKey, mustDecode, size } = video;
    const { undecoded, hiddenPackets, mayBeUndecodable, hasLoss } = video;
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
      undecoded,
      hiddenPackets,
      mayBeUndecodable,
      hasLoss,
      dynamicRange,
    };
  }

  async #prove({ path, video }: CompleteSegment, expected: ExpectedSegment): Promise<MadeSegment["proof"]> {
    const { binary, ffprobe, directory, container, signal } = this.#options;
    const check = video.check?.();
    try {
      const audio = expected.audio.map(({ packets }) => ({ isEmpty: packets.length === 0 }));
      const segment = { binary, ffprobe, directory, path, audio, container, codec: video.codec, signal };
      return await proveSegment(segment, expected, { check });
    } finally {
      await check?.stop();
    }
  }

  /**
   * The correction for a measured shift. The codec delay that the header states is preferred, for
   * further segments too: a measured value is rounded, so a retry might write other bytes.
   */
  #correctionFor(shift: number, audio: SegmentAudio | undefined): number {
    const delay = audio?.delay ?? 0;
    if (Math.abs(shift + delay) > MIN_SHIFT_SECONDS) return -shift;
    this.#correction = delay;
    return delay;
  }

  /**
   * Seconds by which all audio is late. ffmpeg's Matroska muxer before version 6 writes a codec's
   * delay into the header and doesn't add it to the times, so players start the audio too early.
   */
  #shiftOf({ audio, start }: ExpectedSegment, { audio: measured = [] }: MadeSegment["proof"]): number {
    if (!isMatroska(this.#options.container)) return 0;
    const shifts = audio.flatMap(({ packets }, track) => {
      const first = packets.find(({ isPlayed }) => isPlayed);
      const found = measured[track]?.start;
      return first === undefined || found === undefined ? [] : [found - start - first.time];
    });
    const [smallest, largest] = [Math.min(...shifts), Math.max(...shifts)];
    return shifts.length > 0 && largest - smallest < MIN_SHIFT_SECONDS ? (smallest + largest) / 2 : 0;
  }
}

/** ffmpeg's default is hev1, which Apple's players don't play. */
const hevcTag = (own: string): string => (["hev1", "dvhe"].includes(own) ? "hev1" : "hvc1");
