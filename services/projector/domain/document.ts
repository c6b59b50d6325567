import type { PosterCreated, Rejection, SegmentCreated, VideoRejected, VideoSplit } from "#events-schema";

/**
 * The document of a video, the public read model: of an upload, or of a segment of one. Fields are
 * only ever added. Times and durations are seconds, sizes are bytes unless a field says otherwise.
 */
export type VideoDocument = UploadDocument | SegmentDocument;

/** An upload: announced by SplitPlanned, VideoSplit and VideoRejected. */
export type UploadDocument = ProcessingUpload | RejectedUpload | SplitUpload;

type Upload = {
  process_step: "upload";
  /** ISO 8601 in UTC, to the millisecond: when the first event about this video was announced. */
  creation_time: string;
} & Pick<VideoRejected, SourceField>;

/** Where the object is and which one it was: in every event about an upload. */
type SourceField = "VideoId" | "bucket" | "key" | "etag" | "version_id" | "name" | "extension" | "bytes";

/** What the video looks like: in SplitPlanned and VideoSplit. */
type VideoProperties = Pick<VideoSplit, "size" | "fps" | "duration" | "audio">;

/** After SplitPlanned, until the split ends. */
export type ProcessingUpload = Upload & VideoProperties & { status: "processing" };

/** From VideoRejected; with the video's properties if SplitPlanned was announced. */
export type RejectedUpload = Upload & { [K in keyof VideoProperties]?: VideoProperties[K] | undefined } & {
  status: "rejected";
  /** If there are several: docs/decisions/rejections.md. */
  rejection: Rejection;
  /** When this rejection was first announced, written as `creation_time` is. */
  rejected_at: string;
};

/** From VideoSplit. */
export type SplitUpload = Upload &
  VideoProperties & {
    status: "split";
    /** Video frames in all segments together. */
    frames: number;
    /** VideoIds of the segments, in order. */
    sub_videos: number[];
  } & Pick<VideoSplit, "proof" | "truncated" | "last_readable_time" | "undecodable">;

/** A segment: announced by SegmentCreated. */
export type SegmentDocument = { process_step: "timesplit"; creation_time: string } & Pick<
  SegmentCreated,
  SegmentField
> & {
    /** From PosterCreated, where it came. */
    poster?: Poster | undefined;
  };

/** Where a segment's picture is: a JPEG of `size` [width, height] pixels. */
export type Poster = Pick<PosterCreated, "bucket" | "key" | "size">;

/**
 * A poster whose segment wasn't announced yet: events come in any order. Without `process_step` it
 * is no document.
 */
export type EarlyPoster = { VideoId: number; process_step?: undefined; poster: Poster };

/** What is kept of a video: its document, or what came before it. */
export type VideoRecord = VideoDocument | EarlyPoster;

type SegmentField =
  | "VideoId"
  | "parent_video"
  | "segment_index"
  | "bucket"
  | "key"
  | "name"
  | "extension"
  | "bytes"
  | "checksum"
  | "size"
  | "fps"
  | "duration"
  | "audio"
  | "start"
  | "end"
  | "frames"
  | "made"
  | "audio_made";
