import { type EventData, type EventType, segmentId, type VideoSplitEvent } from "#events-schema";
import { sha256 } from "../../../services/aws/ledger.ts";
import type { DocumentEvent } from "../../../services/projector/domain/identity.ts";
import { blockOf, correlationId, eventId, type UploadEvent, uploadEventId } from "../../../services/video/ids.ts";
import { segmentName } from "../../../services/video/segment-keys.ts";
import { sourceIdentity } from "../../../services/video/source.ts";

const SOURCE = { bucket: "uploads", key: "uploads/a b.mp4", etag: "e1", versionId: undefined };

/** The correlation id of the run. */
export const RUN = correlationId(sourceIdentity(SOURCE), sha256);

export const UPLOAD = blockOf(RUN, 0, sha256);

const PROJECTED = ["SplitPlanned", "SegmentCreated", "PosterCreated", "VideoSplit", "VideoRejected"];

const BEGIN = Date.UTC(2026, 10, 23, 12, 0, 0);

/** The time `ms` after the run began, as events write it. */
export const at = (ms: number): string => new Date(BEGIN + ms).toISOString();

/** An event of a run, announced `ms` after it began, with the ids that the service gives it. */
export function announced<T extends EventType>(
  type: T,
  ms: number,
  data: EventData<T>,
  correlation = RUN,
): VideoSplitEvent<T> {
  const metadata = {
    eventId: PROJECTED.includes(type)
      ? uploadEventId(correlation, { type, data } as UploadEvent, sha256)
      : eventId(correlation, type, undefined, sha256),
    version: 1,
    correlationId: correlation,
    causationId: "upload",
    occurredAt: at(ms),
  };
  return { type, metadata, data } as VideoSplitEvent<T>;
}

const source = {
  VideoId: UPLOAD,
  bucket: SOURCE.bucket,
  key: SOURCE.key,
  etag: SOURCE.etag,
  name: "a b",
  extension: "mp4",
  bytes: 900,
};
const picture = { fps: 29.97, audio: true, video_codec: "h264", audio_codecs: ["aac"] };
const plan = { cut: "keyframe" as const, segment_seconds: 30 };

export const plannedData = (changed: Partial<EventData<"SplitPlanned">> = {}): EventData<"SplitPlanned"> => ({
  ...source,
  ...picture,
  size: [1920, 1080],
  duration: 61,
  ...plan,
  segment_count: 3,
  omitted_tracks: [],
  ...changed,
});

export const PROOF = {
  source_frames: 1_844,
  segment_frames: 1_843,
  undecodable_frames: 1,
  copied_frames: 1_800,
  max_boundary_deviation_ms: 0,
  max_frame_time_error_ms: 0.5,
  max_audio_offset_ms: 1.25,
};

export const splitData = (changed: Partial<EventData<"VideoSplit">> = {}): EventData<"VideoSplit"> => ({
  ...source,
  ...picture,
  size: [1920, 1080],
  duration: 61.5,
  ...plan,
  segment_count: 3,
  frames: 1_843,
  proof: PROOF,
  truncated: true,
  last_readable_time: 61.5,
  undecodable: [{ from: 20.02, to: 30.03 }],
  ...changed,
});

export const rejectedData = (changed: Partial<EventData<"VideoRejected">> = {}): EventData<"VideoRejected"> => ({
  ...source,
  rejection: { reason: "UnreadableMedia", message: "It ends early." },
  ...changed,
});

/** Where a segment goes. */
export function place(videoId: number, index: number): { key: string; name: string } {
  const name = segmentName({ videoName: "a b", videoId, index });
  return { key: `segments/a b/${name}.mp4`, name };
}

export const segmentData = (
  index: number,
  changed: Partial<EventData<"SegmentCreated">> = {},
): EventData<"SegmentCreated"> => ({
  VideoId: segmentId(UPLOAD, index),
  parent_video: UPLOAD,
  segment_index: index,
  bucket: "segments",
  ...place(UPLOAD, index),
  extension: "mp4",
  bytes: 300 + index,
  checksum: `sha256:${"0".repeat(64)}`,
  ...picture,
  size: [1920, 1080],
  duration: 30,
  requested_start: index * 30,
  requested_end: index * 30 + 30,
  start: index * 30,
  end: index * 30 + 30,
  frames: 900,
  made: "stitched",
  audio_made: "copied",
  ...changed,
});

export const posterData = (
  index: number,
  changed: Partial<EventData<"PosterCreated">> = {},
): EventData<"PosterCreated"> => ({
  VideoId: segmentId(UPLOAD, index),
  parent_video: UPLOAD,
  segment_index: index,
  bucket: "segments",
  key: place(UPLOAD, index).key.replace(/mp4$/, "jpg"),
  size: [640, 360],
  ...changed,
});

/** A whole run as it goes by itself. */
export const wholeRun = (): DocumentEvent[] => [
  announced("SplitPlanned", 100, plannedData()),
  announced("SegmentCreated", 200, segmentData(0)),
  announced("PosterCreated", 250, posterData(0)),
  announced("SegmentCreated", 300, segmentData(1)),
  announced("SegmentCreated", 400, segmentData(2)),
  announced("VideoSplit", 500, splitData()),
];
