import type { SegmentProof } from "../../split/domain/proof.ts";
import type { Container } from "../../split/ports/media-tools.ts";
import { isIso } from "../formats/containers.ts";
import type { DynamicRangeCheck } from "./dynamic-range.ts";
import { measurePlayback, type Playback } from "./playback.ts";
import { ProofError } from "./proof-error.ts";
import { type ExpectedTrack, proveTrack, type SegmentAudioPacket } from "./prove-audio.ts";
import { readSegment } from "./read-segment.ts";
import type { SegmentFile } from "./segment-file.ts";

/** A frame as the source has it. */
export type SourceFrame = {
  /** Seconds from the segment's first frame. */
  time: number;
  /** Of its picture data, where the frame was copied. */
  hash: number | undefined;
};

/** A frame as the produced file has it. Seconds. */
type FoundFrame = { time: number; bytes: number; duration: number | undefined; hash: number };

/** What a segment must hold. */
export type Expected = {
  /** Hashes the file's packets, one after the other, as the source's were. */
  hash: (packet: Buffer) => number;
  /** In presentation order. */
  frames: SourceFrame[];
  /** Of its first frame in the source: seconds from the video's first frame. */
  start: number;
  /**
   * Of its last frame in the source, in seconds: what counts where the file's container states
   * none.
   */
  lastDuration: number;
  /** Each track of sound that the file must have. */
  audio: readonly ExpectedTrack[];
  /** Seconds by which the container may round a time. */
  rounding: number;
  /** False for a source's own beginning, which may be no keyframe. */
  startsOnKey: boolean;
  /** Whether frames that don't decode fail the proof; else they are counted. */
  mustDecode: boolean;
  /** In pixels, as displayed; undefined where it may be any. */
  size?: [number, number] | undefined;
  /** Of a source that is HDR. */
  dynamicRange?: DynamicRangeCheck | undefined;
};

const ROUNDING_SECONDS = 0.0011;
/** AVI has no times, but a frame rate. */
const AVI_ROUNDING_SECONDS = 0.05;

/** Seconds by which a container rounds times: Matroska and FLV keep milliseconds. */
export const roundingOf = ({ muxer }: Container): number => (muxer === "avi" ? AVI_ROUNDING_SECONDS : ROUNDING_SECONDS);

/** Looks at the packets of the file too. */
export type PacketCheck = {
  onPacket(packet: Buffer, number: number): Promise<void>;
  /** All packets were taken. Throws `ProofError` for what is wrong with them. */
  end(): Promise<void>;
};

/**
 * Measures a produced file against the source's own frames. Throws `ProofError` for a frame that is
 * missing, doubled, altered or at another time, for a start that is no keyframe, for frames of the
 * first group that don't decode (where they must), for another size, for colours and light
 * levels of HDR that were lost, and for sound that is missing or out of step. `decodeAll`: all frames are decoded.
 */
export async function proveSegment(
  segment: SegmentFile,
  expected: Expected,
  check?: PacketCheck,
  decodeAll = false,
): Promise<SegmentProof> {
  const found: FoundFrame[] = [];
  const audio: SegmentAudioPacket[][] = expected.audio.map(() => []);
  let firstIsKey = true;
  await readSegment(segment, {
    onVideo: async ({ time, key, duration, data }) => {
      if (found.length === 0) firstIsKey = key ?? true;
      if (data.length === 0) throw new ProofError(`packet ${found.length} of the segment is empty or cut off`);
      await check?.onPacket(data, found.length);
      found.push({ time, bytes: data.length, duration, hash: expected.hash(data) });
    },
    onAudio: (track, time, duration) => audio[track]?.push({ time, duration }),
  });
  // Before anything else is decoded: two decoders of a large picture take twice the memory.
  await check?.end();
  if (!firstIsKey && expected.startsOnKey) throw new ProofError("the segment starts with no keyframe");
  if (found.length !== expected.frames.length) {
    throw new ProofError(`the segment holds ${found.length} frames, and ${expected.frames.length} belong into it`);
  }
  found.sort((one, other) => one.time - other.time);
  const begin = found[0]?.time ?? 0;
  const largestTimeError = compareFrames(found, expected, begin);
  const played = await measurePlayback(segment, { frames: found, rounding: expected.rounding }, decodeAll);
  const playback = fromTheStart(played, found, begin, expected);
  checkPlayback(playback, expected);
  await expected.dynamicRange?.(segment);
  const [first, last] = [found[playback.first]!, found[playback.last]!];
  const copied = expected.frames.reduce((sum, { hash }) => sum + (hash === undefined ? 0 : 1), 0);
  const context = { begin, start: expected.start, hidesNegative: isIso(segment.container) };
  const sounds = expected.audio.map((track, number) => proveTrack(number, track, audio[number]!, context));
  return {
    frames: playback.frames,
    undecodable: playback.undecodable,
    copiedFrames: Math.min(copied, playback.frames),
    start: expected.start + first.time - begin,
    end: expected.start + last.time - begin + (last.duration ?? expected.lastDuration),
    size: playback.size,
    largestTimeError,
    largestAudioOffset: sounds.reduce((most, { offset }) => Math.max(most, offset), 0),
    sound: sounds.map(({ sound }) => sound ?? null),
  };
}

/**
 * What comes before a video's first keyframe leans on pictures that aren't there: decoders make something of it, or
 * nothing, and it counts as undecodable.
 */
function fromTheStart(played: Playback, found: readonly FoundFrame[], begin: number, expected: Expected): Playback {
  const isEarly = ({ time }: FoundFrame): boolean => expected.start + time - begin < -expected.rounding;
  let { first } = played;
  while (first < played.last && isEarly(found[first]!)) first += 1;
  const early = first - played.first;
  return { ...played, first, frames: played.frames - early, undecodable: played.undecodable + early };
}

/** An encoder may leave out a line or a column where the size is odd. */
const MAX_SIZE_DIFFERENCE = 1;

function checkPlayback({ frames, undecodable, size }: Playback, expected: Expected): void {
  if (frames === 0 || size === undefined) throw new ProofError("no frame of the segment can be decoded");
  if (expected.mustDecode && undecodable > 0)
    throw new ProofError(`${undecodable} of the segment's ${frames + undecodable} frames can't be decoded`);
  const differs = expected.size?.some((pixels, side) => Math.abs(pixels - size[side]!) > MAX_SIZE_DIFFERENCE);
  if (differs === true)
    throw new ProofError(
      `the segment's size is ${size.join(" x ")}, and the source's is ${expected.size!.join(" x ")}`,
    );
}

/** Of the containers' clocks, those of Matroska and FLV are the coarsest. */
const MAX_TICK_SECONDS = 0.001;

function compareFrames(found: readonly FoundFrame[], { frames, rounding }: Expected, begin: number): number {
  let largest = 0;
  let earliest = Number.NEGATIVE_INFINITY;
  for (const [rank, frame] of frames.entries()) {
    const { time, hash } = found[rank]!;
    // No muxer writes two frames of one time: each next one is moved by a tick.
    const moved = Math.max(0, earliest - frame.time);
    earliest = frame.time + moved + MAX_TICK_SECONDS;
    if (frame.hash !== undefined && frame.hash !== hash)
      throw new ProofError(`frame ${rank} of the segment was altered`);
    const error = Math.abs(time - begin - frame.time);
    if (error > rounding + moved) {
      throw new ProofError(`frame ${rank} of the segment is ${(error * 1_000).toFixed(3)} ms off its time`);
    }
    largest = Math.max(largest, error);
  }
  return largest;
}
