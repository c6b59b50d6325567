import { BLOCK_SIZE, type EventData, type EventType, segmentId, type VideoSplitEvent } from "#events-schema";
import type { DocumentEvent } from "../../../services/projector/domain/identity.ts";

export const UPLOAD = 7 * BLOCK_SIZE;

const BEGIN = Date.UTC(2026, 10, 23, 12, 0, 0);

/** The time `ms` after the run began, as events write it. */
export const at = (ms: number): string => new Date(BEGIN + ms).toISOString();

/** An event of the run, announced `ms` after it began. */
export function announced<T extends EventType>(type: T, ms: number, data: EventData<T>): VideoSplitEvent<T> {
  const metadata = {
    eventId: `${type}-${data.key}`,
    version: 1,
    correlationId: "run",
    causationId: "upload",
    occurredAt: at(ms),
  };
  return { type, metadata, data } as VideoSplitEvent<T>;
}

const source = {
  VideoId: UPLOAD,
  bucket: "uploads",
  key: "uploads/a b.mp4",
  etag: "e1",
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
  ...changed,
});

export const rejectedData = (changed: Partial<EventData<"VideoRejected">> = {}): EventData<"VideoRejected"> => ({
  ...source,
  rejection: { reason: "UnreadableMedia", message: "It ends early." },
  ...changed,
});

export const segmentData = (
  index: number,
  changed: Partial<EventData<"SegmentCreated">> = {},
): EventData<"SegmentCreated"> => ({
  VideoId: segmentId(UPLOAD, index),
  parent_video: UPLOAD,
  segment_index: index,
  bucket: "segments",
  key: `segments/a b/${index}.mp4`,
  name: String(index),
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
  ...changed,
});

/** A whole run as it goes by itself. */
export const wholeRun = (): DocumentEvent[] => [
  announced("SplitPlanned", 100, plannedData()),
  announced("SegmentCreated", 200, segmentData(0)),
  announced("SegmentCreated", 300, segmentData(1)),
  announced("SegmentCreated", 400, segmentData(2)),
  announced("VideoSplit", 500, splitData()),
];
