import type { EventData } from "#events-schema";
import type { Alignment } from "./alignment.ts";
import { displayed, rotationOf } from "./probe.ts";
import type { Segment } from "./segment.ts";
import type { Source } from "./source.ts";
import { FPS_TOLERANCE, MAX_AUDIO_SHIFT_S, TIME_ROUNDING_S } from "./tolerances.ts";

/** Measurements of a whole run, with which the events are compared. */
export type Measured = {
  source: Source;
  segments: readonly Segment[];
  alignment: Alignment;
  /** Number of frames whose pixels have the source's hash. */
  identical: number;
  /** Largest shift of audio in seconds. */
  audioShift: number;
  /** Seconds by which times may be rounded. */
  rounding: number;
};

/** Rounding of times in events. */
const MICROSECONDS = 2e-6;

const isNear = (one: number, candidates: readonly number[], tolerance: number): boolean =>
  candidates.some((other) => Math.abs(one - other) <= tolerance);

const text = (value: number): string => String(Math.round(value * 1e4) / 1e4);

/** Start and end of a segment, in seconds from the source's first frame. */
export function placeOf({ source, segments, alignment }: Measured, at: number) {
  const { frames } = source.shown!.video;
  const [origin, { pairs, offset }] = [frames[0]!.time, alignment.placements[at]!];
  const own = segments[at]!.video.frames;
  const held = pairs.filter((pair) => pair !== -1);
  const [first, last] = [held[0], held.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const lastFrame = own[pairs.lastIndexOf(last)]!;
  const start = frames[first]!.time - origin;
  const lastTime = frames[last]!.time - origin;
  const next = frames[last + 1];
  return {
    start: [start, segments[at]!.packets.start + offset - origin],
    // A frame lasts as long as its file states, or until the next one.
    end: [
      ...[lastFrame.duration, frames[last]!.duration].map((duration) => lastTime + duration),
      ...(next === undefined ? [] : [next.time - origin]),
    ],
    firstFrame: first,
    startSeconds: start,
  };
}

/** Differences between a `SegmentCreated` and its file. */
function segmentDifferences(measured: Measured, at: number): string[] {
  const segment = measured.segments[at]!;
  const { event, video, stream, audioStreams, audios } = segment;
  const differences: string[] = [];
  const place = placeOf(measured, at);
  const { rounding } = measured;
  if (place !== undefined) {
    if (!isNear(event.start, place.start, rounding))
      differences.push(`start: says ${event.start}, is ${text(place.startSeconds)}`);
    if (!isNear(event.end, place.end, rounding))
      differences.push(`end: says ${event.end}, is ${text(place.end.at(-1)!)}`);
  }
  const duration = event.end - event.start;
  if (Math.abs(event.duration - duration) > TIME_ROUNDING_S) {
    differences.push(`duration: says ${event.duration}, and end - start is ${text(duration)}`);
  }
  const counted = event.frames / event.duration;
  if (Math.abs(event.fps - counted) > Math.max(FPS_TOLERANCE * counted, 1 / event.duration)) {
    differences.push(`fps: says ${event.fps}, and frames / duration is ${text(counted)}`);
  }
  const rotation = stream === undefined ? 0 : rotationOf(stream);
  const sizes = new Set(video.frames.map(({ size }) => displayed(size, rotation).join("x")));
  if (!sizes.has(event.size.join("x")))
    differences.push(`size: says ${event.size.join("x")}, is ${[...sizes].join(" and ")}`);
  const hasAudio = audios.some(({ runs }) => runs.length > 0);
  if (event.audio !== hasAudio && measured.source.audios.length > 0)
    differences.push(`audio: says ${event.audio}, is ${hasAudio}`);
  const codecs = audioStreams.map(({ codec_name }) => codec_name).join(", ");
  if (event.audio_codecs.join(", ") !== codecs)
    differences.push(`audio_codecs: says ${event.audio_codecs.join(", ")}, is ${codecs}`);
  if (event.video_codec !== stream?.codec_name)
    differences.push(`video_codec: says ${event.video_codec}, is ${stream?.codec_name}`);
  if (event.bytes !== segment.bytes) differences.push(`bytes: says ${event.bytes}, is ${segment.bytes}`);
  return differences;
}

/** Whether a keyframe cut has undecodable frames, and `VideoSplit` has their number. */
export const areNamed = ({ cut, proof }: EventData<"VideoSplit">, decoded: number): boolean =>
  cut === "keyframe" &&
  proof !== undefined &&
  proof.undecodable_frames > 0 &&
  proof.source_frames - proof.undecodable_frames === decoded;

/**
 * Largest distance in seconds between a segment's start and the first frame at or after its
 * requested start.
 */
export function largestDeviation(measured: Measured): number {
  const { frames } = measured.source.shown!.video;
  const origin = frames[0]!.time;
  return measured.segments.reduce((largest, { event }, at) => {
    const place = placeOf(measured, at);
    const asked = frames.find(({ time }) => time - origin >= event.requested_start - MICROSECONDS);
    if (place === undefined || asked === undefined) return largest;
    return Math.max(largest, Math.abs(place.startSeconds - (asked.time - origin)));
  }, 0);
}

function splitDifferences(measured: Measured, ended: EventData<"VideoSplit">): string[] {
  const { source, segments, alignment, identical, audioShift, rounding } = measured;
  const { frames } = source.shown!.video;
  const decoded = segments.reduce((sum, { video }) => sum + video.frames.length, 0);
  const { proof } = ended;
  const differences: string[] = [];
  const differs = (what: string, says: unknown, is: unknown): void => {
    if (says !== is) differences.push(`VideoSplit.${what}: says ${says}, is ${is}`);
  };
  const [first, last] = [placeOf(measured, 0), placeOf(measured, segments.length - 1)];
  if (first !== undefined && last !== undefined) {
    const durations = first.start.flatMap((start) => last.end.map((end) => end - start));
    if (!isNear(ended.duration, durations, 2 * rounding))
      differences.push(`VideoSplit.duration: says ${ended.duration}, is ${text(durations[0]!)}`);
  }
  differs("segment_count", ended.segment_count, segments.length);
  const rotation = rotationOf(source.shown!.stream);
  differs("size", ended.size.join("x"), displayed(frames[0]!.size, rotation).join("x"));
  if (!areNamed(ended, decoded)) {
    differs("frames", ended.frames, decoded);
    differs("proof.segment_frames", proof?.segment_frames, decoded);
  }
  if (proof === undefined) return [...differences, "VideoSplit.proof: there is none"];
  if (proof.source_frames - proof.undecodable_frames !== decoded)
    differences.push(
      `VideoSplit.proof: ${proof.source_frames} frames, ${proof.undecodable_frames} undecodable; ${decoded} decode`,
    );
  if (proof.copied_frames > identical)
    differences.push(`VideoSplit.proof.copied_frames: says ${proof.copied_frames}, ${identical} decode to the same`);
  const deviation = largestDeviation(measured);
  if (!areNamed(ended, decoded) && Math.abs(deviation - proof.max_boundary_deviation_ms / 1000) > rounding)
    differences.push(
      `VideoSplit.proof.max_boundary_deviation_ms: says ${proof.max_boundary_deviation_ms}, is ${text(deviation * 1000)}`,
    );
  const timeError = alignment.maxTimeError * 1000;
  if (timeError > proof.max_frame_time_error_ms + rounding * 1000)
    differences.push(
      `VideoSplit.proof.max_frame_time_error_ms: says ${proof.max_frame_time_error_ms}, is ${text(timeError)}`,
    );
  if (audioShift * 1000 > proof.max_audio_offset_ms + MAX_AUDIO_SHIFT_S * 1000)
    differences.push(
      `VideoSplit.proof.max_audio_offset_ms: says ${proof.max_audio_offset_ms}, is ${text(audioShift * 1000)}`,
    );
  return differences;
}

/** Differences between events and files; `segment`: the segment concerned, if any. */
export function eventDifferences(
  measured: Measured,
  ended: EventData<"VideoSplit"> | undefined,
): { segment?: number; text: string }[] {
  const { segments } = measured;
  const decoded = segments.reduce((sum, { video }) => sum + video.frames.length, 0);
  const isNamed = ended !== undefined && areNamed(ended, decoded);
  return [
    ...segments.flatMap(({ event, video }, segment) => [
      ...segmentDifferences(measured, segment).map((text) => ({ segment, text })),
      ...(event.frames === video.frames.length || (isNamed && event.frames > video.frames.length)
        ? []
        : [{ segment, text: `frames: says ${event.frames}, ${video.frames.length} decode` }]),
    ]),
    ...(ended === undefined ? [] : splitDifferences(measured, ended).map((text) => ({ text }))),
  ];
}
