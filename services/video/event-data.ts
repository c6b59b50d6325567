import type { AudioMade, Cost, EventData, Made, Proof, RefusalReason, RejectionReason } from "#events-schema";
import { segmentId } from "#events-schema";
import { segmentKey, segmentName, shortened } from "./segment-keys.ts";
import { nameOf, type Source } from "./source.ts";

/**
 * The data of the events about the outcome of a split: pure, so that a retry makes the same.
 */

export type Upload = { videoId: number; source: Source; bytes: number };

/** The video's properties, from probing and planning. Each event about it repeats them. */
export type VideoProperties = {
  size: [number, number];
  fps: number;
  audio: boolean;
  video_codec: string;
  audio_codecs: string[];
};

/** What was planned. */
export type Plan = { duration: number; segments: readonly unknown[] };

/** Where a segment was requested to be: seconds from the video's first frame. */
export type Place = { index: number; requestedStart: number; requestedEnd: number };

/** Where it is, measured in its file: seconds from the video's first frame. */
export type MeasuredPlace = {
  start: number;
  end: number;
  /** [width, height] in pixels, as displayed; undefined where it wasn't measured. */
  size?: [number, number] | undefined;
  /** Frames in it that no decoder can output. */
  undecodable: number;
};

/** The result. */
export type Result = {
  segments: number;
  frames: number;
  proof: Proof;
  /** The time up to which the source could be read, if not to its end. */
  truncatedAt: number | undefined;
  /** Where frames can't be decoded: seconds from the video's first frame. */
  undecodable: readonly { from: number; to: number }[];
};

/** The result, and what it took. */
export type CostedResult = Result & { cost: Cost };

export type CutSettings = { cut: "keyframe" | "exact"; segmentSeconds: number };

const MILLISECOND = 1_000;
const MICROSECOND = 1_000_000;

/** Times have microseconds, as ffprobe prints them: further digits would be rounding errors. */
const seconds = (value: number): number => Math.round(value * MICROSECOND) / MICROSECOND;

/** Significant digits of a frame rate so low that three decimals hold fewer. */
const FPS_DIGITS = 3;
const LOW_FPS = 0.1;

/**
 * Frame rates to three decimals or three digits, whichever is finer: 29.97, 23.976, 0.000278. Never
 * 0.
 */
export const roundedFps = (fps: number): number =>
  fps < LOW_FPS ? Number(fps.toPrecision(FPS_DIGITS)) : Math.round(fps * MILLISECOND) / MILLISECOND;

/**
 * A segment's own frame rate. The video's frame rate if it explains the number of frames within
 * half a frame: containers round the last frame's duration.
 */
export function segmentFps(videoFps: number, frames: number, duration: number): number {
  const isTheVideos = Math.abs(frames - videoFps * duration) <= 0.5;
  return isTheVideos || duration <= 0 ? videoFps : roundedFps(frames / duration);
}

const uploadFields = ({ videoId, source, bytes }: Upload) => ({
  VideoId: videoId,
  bucket: source.bucket,
  key: source.key,
  ...(source.etag === "" ? {} : { etag: source.etag }),
  ...(source.versionId === undefined ? {} : { version_id: source.versionId }),
  ...nameOf(source.key),
  bytes,
});

/** A message contains text of ffmpeg and of requests, and must fit into an event. */
const MAX_MESSAGE_BYTES = 4_096;

export const rejected = (upload: Upload, reason: RejectionReason, message: string): EventData<"VideoRejected"> => ({
  ...uploadFields(upload),
  rejection: { reason, message: shortened(message, MAX_MESSAGE_BYTES) },
});

/** `choice`: how the object is, or is being, cut instead; undefined where that isn't known yet. */
export const refused = (
  upload: Upload,
  reason: RefusalReason,
  message: string,
  choice: (CutSettings & { outputKeyPrefix: string }) | undefined,
): EventData<"RequestRefused"> => ({
  ...uploadFields(upload),
  refusal: { reason, message: shortened(message, MAX_MESSAGE_BYTES) },
  ...(choice === undefined
    ? {}
    : { cut: choice.cut, segment_seconds: choice.segmentSeconds, output_key_prefix: choice.outputKeyPrefix }),
});

/**
 * The missing segments, by their indexes, and the number of the invocation that is to make them.
 */
export type Missing = { firstSegment: number; lastSegment: number; invocation: number };

export const rangeRequested = (
  upload: Upload,
  { firstSegment, lastSegment, invocation }: Missing,
): EventData<"SegmentRangeRequested"> => ({
  ...uploadFields(upload),
  first_segment: firstSegment,
  last_segment: lastSegment,
  invocation,
});

export type OmittedTrack = { index: number; type: string; codec: string };

/**
 * What the segments leave out. `audioSeconds`: of audio before the first video frame; 0 where
 * there is none.
 */
export type Omitted = { tracks: OmittedTrack[]; audioSeconds: number };

const videoFields = (
  upload: Upload,
  properties: VideoProperties,
  { cut, segmentSeconds }: CutSettings,
  plan: Plan,
) => ({
  ...uploadFields(upload),
  ...properties,
  duration: seconds(plan.duration),
  cut,
  segment_seconds: segmentSeconds,
  segment_count: plan.segments.length,
});

export const planned = (
  upload: Upload,
  properties: VideoProperties,
  cut: CutSettings,
  plan: Plan,
  { tracks, audioSeconds }: Omitted,
): EventData<"SplitPlanned"> => ({
  ...videoFields(upload, properties, cut, plan),
  omitted_tracks: tracks,
  ...(audioSeconds > 0 ? { omitted_audio_seconds: seconds(audioSeconds) } : {}),
});

export const split = (
  upload: Upload,
  properties: VideoProperties,
  cut: CutSettings,
  plan: Plan,
  { segments, frames, proof, truncatedAt, undecodable, cost }: CostedResult,
): EventData<"VideoSplit"> => ({
  ...videoFields(upload, properties, cut, plan),
  segment_count: segments,
  frames,
  proof,
  ...(truncatedAt === undefined ? {} : { truncated: true, last_readable_time: seconds(truncatedAt) }),
  ...(undecodable.length > 0 && {
    undecodable: undecodable.map(({ from, to }) => ({ from: seconds(from), to: seconds(to) })),
  }),
  cost,
});

export type SegmentObject = {
  bucket: string;
  prefixTemplate: string;
  extension: string;
  bytes: number;
  /** `sha256:` and 64 hexadecimal digits. */
  checksum: string;
  /** Counted in the produced file. */
  frames: number;
  made: Made;
  videoCodec: string;
  audioCodecs: string[];
  /** Undefined where it isn't known. */
  audioMade?: AudioMade | undefined;
};

/** Where segment `index` of an upload goes. */
export const segmentLocation = (upload: Upload, index: number, prefixTemplate: string, extension: string) => {
  const videoName = nameOf(upload.source.key).name;
  const named = { videoName, videoId: upload.videoId, index };
  return { key: segmentKey(prefixTemplate, { ...named, extension }), name: segmentName(named) };
};

export const segmentCreated = (
  upload: Upload,
  properties: VideoProperties,
  segment: Place,
  { object, proof: { start, end, size, undecodable } }: { object: SegmentObject; proof: MeasuredPlace },
): EventData<"SegmentCreated"> => ({
  VideoId: segmentId(upload.videoId, segment.index),
  parent_video: upload.videoId,
  segment_index: segment.index,
  bucket: object.bucket,
  ...segmentLocation(upload, segment.index, object.prefixTemplate, object.extension),
  extension: object.extension,
  bytes: object.bytes,
  checksum: object.checksum,
  ...properties,
  size: size ?? properties.size,
  fps: segmentFps(properties.fps, object.frames || undecodable, end - start),
  audio: object.audioCodecs.length > 0,
  video_codec: object.videoCodec,
  audio_codecs: object.audioCodecs,
  duration: seconds(end - start),
  requested_start: seconds(segment.requestedStart),
  requested_end: seconds(segment.requestedEnd),
  start: seconds(start),
  end: seconds(end),
  // For a segment in a damaged stretch, the frames that it contains.
  frames: object.frames || undecodable,
  made: object.made,
  ...(object.audioMade !== undefined && object.audioCodecs.length > 0 && { audio_made: object.audioMade }),
});
