import type { SegmentProof, Stretch } from "../../split/domain/proof.ts";
import { joined, MAX_SEGMENT_STRETCHES } from "../../split/domain/undecodable.ts";
import type { Container } from "../../split/ports/media-tools.ts";
import { isIso } from "../formats/containers.ts";
import { damageTest } from "../formats/damage.ts";
import { isHiddenFrame } from "../formats/vpx/hidden-frame.ts";
import { allOf, type Damage, damageOf } from "./damage.ts";
import type { DynamicRangeCheck } from "./dynamic-range.ts";
import { measurePlayback, type Playback } from "./playback.ts";
import { ProofError } from "./proof-error.ts";
import { type ExpectedTrack, proveTrack, type SegmentAudioPacket } from "./prove-audio.ts";
import { readSegment } from "./read-segment.ts";
import type { SegmentFile } from "./segment-file.ts";

/** A frame of the source. */
export type SourceFrame = {
  /** Seconds from the segment's first frame. */
  time: number;
  /** Hash of its slices, when the frame was copied. */
  hash: number | undefined;
  /** Whether it was copied with other slice headers, so that its picture may drift. Default: no. */
  isAnchored?: boolean;
};

/** A frame of the segment's file. Seconds. */
type FoundFrame = {
  time: number;
  bytes: number;
  duration: number | undefined;
  hash: number;
  /** Whether its bytes can't be a picture: then all frames are decoded. */
  isDamaged: boolean;
  /** Whether decoders don't show it: it isn't a frame. */
  isHidden: boolean;
};

/** What a segment's file must contain. */
export type ExpectedSegment = {
  /** Hashes the file's packets in order, in the same way as the source's. */
  hash: (packet: Buffer) => number;
  /** In presentation order. */
  frames: SourceFrame[];
  /** The segment's first frame in the source: seconds from the first video frame. */
  start: number;
  /**
   * Duration of its last frame in the source, in seconds; used when the file's container stores
   * none.
   */
  lastDuration: number;
  /** The audio tracks that the file must have. */
  audio: readonly ExpectedTrack[];
  /** Seconds by which the container may round times. */
  rounding: number;
  /** False for the beginning of a source, which may not be a keyframe. */
  startsOnKey: boolean;
  /** Whether frames that don't decode fail the proof; otherwise they are counted. */
  mustDecode: boolean;
  /** In pixels, as displayed; undefined: not checked. */
  size?: [number, number] | undefined;
  /** Where frames of the source aren't in it: seconds from the first video frame. */
  undecoded?: readonly Stretch[] | undefined;
  /** Packets of the source that aren't in it and aren't frames. */
  hiddenPackets?: number | undefined;
  /**
   * Whether nothing in it may decode, and it may begin with any packet. Otherwise that fails the
   * proof, unless it's damaged.
   */
  mayBeUndecodable?: boolean | undefined;
  /** Whether the source has lost packets within the segment, or right before it. */
  hasLoss?: boolean | undefined;
  /** Compares the HDR metadata with the source's; undefined when the source isn't HDR. */
  dynamicRange?: DynamicRangeCheck | undefined;
};

const ROUNDING_SECONDS = 0.0011;
/** AVI stores a frame rate instead of times. */
const AVI_ROUNDING_SECONDS = 0.05;

/** Seconds by which a container may round times: Matroska and FLV store milliseconds. */
export const roundingOf = ({ muxer }: Container): number => (muxer === "avi" ? AVI_ROUNDING_SECONDS : ROUNDING_SECONDS);

/** A further check of the file's packets. */
export type PacketCheck = {
  onPacket(packet: Buffer, number: number): Promise<void>;
  /** Call it after the last packet. Throws `ProofError` when the packets fail the check. */
  end(): Promise<void>;
  /** The least PSNR of the frames that it compared with the source's, after `end`. dB. */
  readonly leastPsnr?: number | undefined;
};

/**
 * Measures a segment's file and compares it with the source's frames. Throws `ProofError` for a
 * missing, duplicate or altered frame, or one at another time; a start that isn't a keyframe;
 * frames of the first group that don't decode (if they must), unless their bytes were overwritten in
 * the source; another frame size; lost HDR metadata; and missing or unsynchronised audio. `decodeAll`: decodes all frames.
 */
export async function proveSegment(
  segment: SegmentFile,
  expected: ExpectedSegment,
  { check, decodeAll = false }: { check?: PacketCheck | undefined; decodeAll?: boolean } = {},
): Promise<SegmentProof> {
  const found: FoundFrame[] = [];
  const audio: SegmentAudioPacket[][] = expected.audio.map(() => []);
  let firstIsKey = true;
  const isDamaged = damageTest(segment.codec);
  await readSegment(segment, {
    onVideo: async ({ time, key, duration, data }) => {
      if (found.length === 0) firstIsKey = key ?? true;
      if (data.length === 0) throw new ProofError(`packet ${found.length} of the segment is empty or truncated`);
      await check?.onPacket(data, found.length);
      const is = { isDamaged: isDamaged(data), isHidden: isHiddenFrame(segment.codec, data) };
      found.push({ time, bytes: data.length, duration, hash: expected.hash(data), ...is });
    },
    onAudio: (track, time, duration) => audio[track]?.push({ time, duration }),
  });
  // Before further decoding: two decoders of large frames take twice the memory.
  await check?.end();
  // A damaged keyframe isn't marked as one.
  const { mayBeUndecodable = false, hasLoss = false } = expected;
  if (!firstIsKey && expected.startsOnKey && found[0]?.isDamaged === false && !mayBeUndecodable && !hasLoss)
    throw new ProofError("the segment doesn't start with a keyframe");
  if (found.length !== expected.frames.length) {
    throw new ProofError(`the segment has ${found.length} frames instead of ${expected.frames.length}`);
  }
  found.sort((one, other) => one.time - other.time);
  const begin = found[0]?.time ?? 0;
  if (isIso(segment.container) && begin < -FINEST_TICK_SECONDS)
    throw new ProofError("the segment's edit list hides its first frame");
  const largestTimeError = compareFrames(found, expected, begin);
  const decodesAll = decodeAll || hasLoss || found.some((frame) => frame.isDamaged);
  const shown = found.filter(({ isHidden }) => !isHidden);
  if (shown.length === 0) throw new ProofError("the segment shows no frame");
  const played = await measurePlayback(segment, { frames: shown, rounding: expected.rounding }, decodesAll);
  const isAnyDamage = hasLoss || (played.frames === 0 && mayBeUndecodable);
  const damage = isAnyDamage ? allOf(played) : damageOf(played, shown);
  const playback = withoutEarlyFrames(played, shown, begin, expected);
  checkPlayback(playback, expected, damage);
  if (playback.frames > 0 && !shown[0]!.isDamaged) await expected.dynamicRange?.(segment);
  const [first, last] = [shown[playback.first]!, shown[playback.last]!];
  const hidden = found.length - shown.length;
  const hiddenPackets = hidden + (expected.hiddenPackets ?? 0);
  const anchored = expected.frames.reduce((sum, { isAnchored }) => sum + (isAnchored === true ? 1 : 0), 0);
  const copied = expected.frames.reduce((sum, { hash }) => sum + (hash === undefined ? 0 : 1), 0) - anchored - hidden;
  const timing = { begin, start: expected.start, hidesNegative: isIso(segment.container) };
  const audioTracks = expected.audio.map((track, number) => proveTrack(number, track, audio[number]!, timing));
  return {
    frames: playback.frames,
    undecodable: playback.undecodable,
    copiedFrames: Math.min(copied, playback.frames),
    ...(anchored > 0 ? { anchoredFrames: anchored } : {}),
    ...(hiddenPackets > 0 ? { hiddenPackets } : {}),
    ...(check?.leastPsnr === undefined ? {} : { leastPsnr: check.leastPsnr }),
    start: expected.start + first.time - begin,
    end: expected.start + last.time - begin + (last.duration ?? expected.lastDuration),
    size: playback.size,
    largestTimeError,
    largestAudioOffset: audioTracks.reduce((largest, { offset }) => Math.max(largest, offset), 0),
    audio: audioTracks.map((track) => track.audio ?? null),
    ...stretchesOf(damage, shown, expected, begin),
  };
}

/** Where the frames are that can't be decoded, since the source is damaged. */
function stretchesOf(
  { runs }: Damage,
  found: readonly FoundFrame[],
  { start, lastDuration, undecoded = [] }: ExpectedSegment,
  begin: number,
): Pick<SegmentProof, "stretches"> {
  if (runs.length + undecoded.length === 0) return {};
  const last = found.at(-1)!;
  const end = last.time + (last.duration ?? lastDuration);
  const toSource = (time: number): number => start + time - begin;
  const stretches = runs.map(({ from, to }) => ({
    from: Math.max(0, toSource(found[from]!.time)),
    to: toSource(found[to]?.time ?? end),
  }));
  return { stretches: joined([...undecoded, ...stretches], MAX_SEGMENT_STRETCHES) };
}

/**
 * Frames before a video's first keyframe refer to missing pictures: decoders may or may not return
 * them, so they count as undecodable.
 */
function withoutEarlyFrames(
  played: Playback,
  found: readonly FoundFrame[],
  begin: number,
  expected: ExpectedSegment,
): Playback {
  const isEarly = ({ time }: FoundFrame): boolean => expected.start + time - begin < -expected.rounding;
  let { first } = played;
  while (first < played.last && isEarly(found[first]!)) first += 1;
  const early = first - played.first;
  return { ...played, first, frames: played.frames - early, undecodable: played.undecodable + early };
}

/** An encoder may crop a line or column of an odd size. */
const MAX_SIZE_DIFFERENCE = 1;

function checkPlayback({ frames, undecodable, size }: Playback, expected: ExpectedSegment, damage: Damage): void {
  if (frames === 0 || size === undefined) {
    if (damage.frames > 0 && damage.frames === undecodable) return;
    throw new ProofError("no frame of the segment can be decoded");
  }
  if (expected.mustDecode && undecodable > damage.frames)
    throw new ProofError(`${undecodable} of the segment's ${frames + undecodable} frames can't be decoded`);
  const differs = expected.size?.some((pixels, side) => Math.abs(pixels - size[side]!) > MAX_SIZE_DIFFERENCE);
  if (differs === true)
    throw new ProofError(`the segment's size is ${size.join(" x ")}; the source's is ${expected.size!.join(" x ")}`);
}

/** Shorter than a tick of any track; times are binary fractions. */
const FINEST_TICK_SECONDS = 1e-9;

/** The coarsest timescale of the containers: Matroska's and FLV's. */
const MAX_TICK_SECONDS = 0.001;

function compareFrames(found: readonly FoundFrame[], { frames, rounding }: ExpectedSegment, begin: number): number {
  let largest = 0;
  let earliest = Number.NEGATIVE_INFINITY;
  for (const [rank, frame] of frames.entries()) {
    const { time, hash } = found[rank]!;
    // No muxer writes two frames with one time: each further one is moved by a tick.
    const moved = Math.max(0, earliest - frame.time);
    earliest = frame.time + moved + MAX_TICK_SECONDS;
    if (frame.hash !== undefined && frame.hash !== hash)
      throw new ProofError(`frame ${rank} of the segment was altered`);
    const error = Math.abs(time - begin - frame.time);
    if (error > rounding + moved) {
      throw new ProofError(
        `frame ${rank} of the segment is ${(error * 1_000).toFixed(3)} ms away from its time in the source`,
      );
    }
    largest = Math.max(largest, error);
  }
  return largest;
}
