import type { EventData, EventType } from "./catalog.ts";
import { createEvent } from "./create-event.ts";
import type { Metadata, SOURCE } from "./envelope.ts";
import { BLOCK_SIZE, segmentId } from "./ids.ts";

/**
 * One example of each event of a realistic run: a phone's video of 75.5 seconds, requested again by
 * a person, split into three segments, and requested once more with another cut; and one upload
 * that isn't a video.
 */

const HOLIDAY = 423_601_005_919 * BLOCK_SIZE;
const NOT_A_VIDEO = 231_183_764_013 * BLOCK_SIZE;

const uploads = { bucket: "video-split-uploads", key: "uploads/Beach day.mp4" };
const video = {
  ...uploads,
  VideoId: HOLIDAY,
  etag: "d41d8cd98f00b204e9800998ecf8427e-5",
  version_id: "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH",
  name: "Beach day",
  extension: "mp4",
  bytes: 74_187_264,
};
const picture = {
  size: [1080, 1920] satisfies [number, number],
  fps: 29.97,
  audio: true,
  video_codec: "hevc",
  audio_codecs: ["aac"],
};
const plan = { cut: "exact", segment_seconds: 30, segment_count: 3 } satisfies Partial<EventData<"SplitPlanned">>;

/** The data of each example. */
const data: { [T in EventType]: EventData<T> } = {
  SplitRequested: { ...uploads, version_id: video.version_id, segment_seconds: 30, reason: "redrive" },
  SplitPlanned: {
    ...video,
    ...picture,
    duration: 75.5088,
    ...plan,
    omitted_tracks: [{ index: 2, type: "data", codec: "mebx" }],
  },
  SegmentCreated: {
    VideoId: segmentId(HOLIDAY, 1),
    parent_video: HOLIDAY,
    segment_index: 1,
    bucket: "video-split-segments",
    key: "segments/Beach day/Beach day-6940278880976896-00001.mp4",
    name: "Beach day-6940278880976896-00001",
    extension: "mp4",
    bytes: 29_480_113,
    checksum: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ...picture,
    duration: 30.030033,
    requested_start: 30,
    requested_end: 60,
    start: 30.030033,
    end: 60.060066,
    frames: 900,
    made: "stitched",
    audio_made: "copied",
  },
  PosterCreated: {
    VideoId: segmentId(HOLIDAY, 1),
    parent_video: HOLIDAY,
    segment_index: 1,
    bucket: "video-split-segments",
    key: "segments/Beach day/Beach day-6940278880976896-00001.jpg",
    size: [640, 1138],
  },
  SegmentRangeRequested: { ...video, first_segment: 2, last_segment: 2, invocation: 2 },
  VideoSplit: {
    ...video,
    ...picture,
    duration: 75.508842,
    ...plan,
    frames: 2_263,
    proof: {
      source_frames: 2_263,
      segment_frames: 2_263,
      undecodable_frames: 0,
      copied_frames: 2_204,
      max_boundary_deviation_ms: 0,
      max_frame_time_error_ms: 0,
      max_audio_offset_ms: 0.021,
      max_audio_gap_ms: 0.042,
    },
    cost: {
      invocations: 2,
      gb_seconds: 24.117,
      bytes_read: 76_284_416,
      bytes_written: 74_201_377,
      s3_reads: 14,
      s3_writes: 16,
      dynamodb_reads: 9,
      dynamodb_writes: 15,
      events: 5,
    },
  },
  VideoRejected: {
    VideoId: NOT_A_VIDEO,
    bucket: "video-split-uploads",
    key: "uploads/minutes.mp4",
    etag: "0f343b0931126a20f133d67c2b018a3b",
    name: "minutes",
    extension: "mp4",
    bytes: 18_204,
    rejection: {
      reason: "NotMedia",
      message:
        "s3://video-split-uploads/uploads/minutes.mp4 is not a video that ffmpeg can read. Upload the video itself.",
    },
  },
  RequestRefused: {
    ...video,
    refusal: {
      reason: "AlreadySplit",
      message:
        's3://video-split-uploads/uploads/Beach day.mp4 is split already (segments of 30 seconds, cut "exact", prefix ' +
        '"segments/{video_name}/"), which is kept. To split it in another way, upload it under another key.',
    },
    cut: plan.cut,
    segment_seconds: plan.segment_seconds,
    output_key_prefix: "segments/{video_name}/",
  },
};

/** Seconds after the request at which each event is announced. */
const announcedAfter: { [T in EventType]: number } = {
  SplitRequested: 0,
  SplitPlanned: 2,
  SegmentCreated: 5,
  PosterCreated: 7,
  SegmentRangeRequested: 6,
  VideoSplit: 8,
  VideoRejected: 3,
  RequestRefused: 600,
};

const BEGIN = Date.UTC(2026, 10, 23, 9, 41, 0);
const numbered = (prefix: string, number: number): string =>
  `${prefix}-0000-8000-a000-${String(number).padStart(12, "0")}`;

/**
 * Computed as the service does, from the object and from each event's data:
 * docs/decisions/identity.md.
 */
const HOLIDAY_CORRELATION = "e7a8ea04-47e3-8072-ad6e-b70cdebb792e";
const NOT_A_VIDEO_CORRELATION = "2b1d917e-294c-8499-a60e-8d7b7f476ee3";
const eventIds: { [T in EventType]: string } = {
  SplitRequested: numbered("5e9a7d21", 1),
  SplitPlanned: "51d4b9a7-5c02-85a0-ab35-2e4468c3a526",
  SegmentCreated: "71f75d89-c451-8f58-ae7e-ca763837df28",
  PosterCreated: "073473ad-feb3-8509-ad5b-1244749fb45f",
  SegmentRangeRequested: "a4b0b1e3-e4ab-81c8-a956-47136c4b10f8",
  VideoSplit: "4f1d11db-fd35-811a-ab9e-f02499e0f308",
  VideoRejected: "bbb28b15-b0a5-807b-a9b7-b5ef533d6333",
  RequestRefused: "cca696df-48aa-89ef-af9b-e04dc821c6a8",
};

/** Numbers of the messages that led to each event: a request, an upload, and another request. */
const causes: { [T in EventType]: number } = {
  SplitRequested: 1,
  SplitPlanned: 1,
  SegmentCreated: 1,
  PosterCreated: 1,
  SegmentRangeRequested: 1,
  VideoSplit: 1,
  VideoRejected: 2,
  RequestRefused: 3,
};

/** An event as a target receives it from EventBridge. */
export type ExampleEvent<T extends EventType = EventType> = {
  version: "0";
  id: string;
  "detail-type": T;
  source: typeof SOURCE;
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: { metadata: Metadata; data: EventData<T> };
};

/**
 * A valid event for tests, as a target receives it. `changed` replaces fields of its data, and
 * `changedMetadata` of its metadata: an event that isn't the same one needs another `eventId`.
 * Throws `InvalidEventError` for what no event can be.
 */
export function exampleOf<T extends EventType>(
  type: T,
  changed: Partial<EventData<T>> = {},
  changedMetadata: Partial<Metadata> = {},
): ExampleEvent<T> {
  const occurredAt = new Date(BEGIN + announcedAfter[type] * 1_000);
  const number = Object.keys(announcedAfter).indexOf(type) + 1;
  const metadata: Metadata = {
    eventId: eventIds[type],
    version: 1,
    correlationId: type === "VideoRejected" ? NOT_A_VIDEO_CORRELATION : HOLIDAY_CORRELATION,
    causationId: numbered("0b9ec7c1", causes[type]),
    occurredAt: occurredAt.toISOString(),
    ...changedMetadata,
  };
  const { source, detail } = createEvent(type, { ...data[type], ...changed } as EventData<T>, metadata);
  return {
    version: "0",
    id: numbered("17793124", number),
    "detail-type": type,
    source,
    account: "111122223333",
    time: `${metadata.occurredAt.slice(0, "2026-11-23T09:41:00".length)}Z`,
    region: "eu-west-1",
    resources: [],
    detail,
  };
}
