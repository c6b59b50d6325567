import * as z from "zod";

/**
 * The data of each event. Field names are those of the video document, so that events and documents
 * use the same names. Times and durations are seconds, sizes are bytes unless a field says
 * otherwise.
 *
 * Readers ignore unknown fields, so that fields can be added. Writers may use exactly these fields:
 * `createEvent` checks it.
 */

const VideoId = z.int().positive().describe("Primary key of the document: a positive safe integer.");
/** What DynamoDB's client takes as a number; a figure that was read from a file can be any. */
const Figure = z.number().max(Number.MAX_SAFE_INTEGER);
const Seconds = Figure.nonnegative();
const Bytes = z.int().nonnegative();

/**
 * `keyframe`: stream copy, a boundary moves to the next keyframe. `exact`: every boundary at the
 * exact frame.
 */
export const Cut = z.enum(["keyframe", "exact"]);
export type Cut = z.infer<typeof Cut>;

/** How a segment was made. */
export const Made = z.enum(["copied", "stitched", "encoded"]);
export type Made = z.infer<typeof Made>;

export const AudioMade = z.enum(["copied", "encoded"]);
export type AudioMade = z.infer<typeof AudioMade>;

/**
 * Why an object can't be split. Stable: codes are added, never renamed. Readers accept codes that
 * they don't know.
 */
export const REJECTION_REASONS = [
  "EmptyObject",
  "GivenUp",
  "InvalidOverride",
  "InvalidRequest",
  "LimitExceeded",
  "NoVideoStream",
  "NotMedia",
  "ProofFailed",
  "SourceArchived",
  "SourceChanged",
  "SourceForbidden",
  "SourceInOtherRegion",
  "SourceKeyForbidden",
  "SourceKeyRequired",
  "SourceNotFound",
  "TooLarge",
  "TooManySegments",
  "UnknownCodec",
  "UnreadableMedia",
  "UnsupportedCut",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export const Rejection = z.object({
  reason: z
    .string()
    .regex(/^[A-Z][A-Za-z]+$/)
    .describe(`A stable code; today one of ${REJECTION_REASONS.join(", ")}.`),
  message: z.string().describe("For a person: what is wrong with the object, and what to do next."),
});
export type Rejection = z.infer<typeof Rejection>;

/** Why a request isn't met, whatever the object. Stable: codes are added, never renamed. */
export const REFUSAL_REASONS = ["AlreadyBegun", "AlreadySplit", "InvalidRequest"] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** Where the uploaded object is, and which one it was. */
const source = {
  VideoId,
  bucket: z.string().min(1),
  key: z.string().min(1).describe("Verbatim: never URL-encoded."),
  etag: z.string().optional().describe("ETag of the source, without quotes."),
  version_id: z.string().optional().describe("Version id of the source; absent where its bucket has no versions."),
  name: z.string().describe("Base name of the key, without its extension."),
  extension: z.string().describe("Extension in lower case, without the dot; empty where there is none."),
  bytes: Bytes,
};

/** What a video looks like, whether it is an upload or a segment. */
const videoProperties = {
  size: z
    .tuple([z.int().positive(), z.int().positive()])
    .describe("[width, height] in pixels as displayed (rotation applied)."),
  fps: Figure.positive().describe("Average frames per second."),
  duration: Seconds.describe("Seconds, from the first video frame to the end of the last one."),
  audio: z.boolean(),
  video_codec: z.string().describe("As ffprobe names it, such as h264."),
  audio_codecs: z.array(z.string()).describe("Of the audio tracks that are kept, in order."),
};

const plan = {
  cut: Cut,
  segment_seconds: z.number().positive().describe("The segment length asked for."),
  segment_count: z.int().positive(),
};

export const SplitRequested = z.object({
  bucket: z.string().min(1),
  key: z.string().min(1).describe("Verbatim: never URL-encoded."),
  version_id: z.string().min(1).optional().describe("Default: the newest version."),
  segment_seconds: z.number().positive().optional().describe("Overrides the setting for this object."),
  cut: Cut.optional(),
  output_key_prefix: z
    .string()
    .optional()
    .describe("Overrides the setting; {video_name} and {video_id} are filled in."),
  reason: z.enum(["manual", "backfill", "redrive"]),
});
export type SplitRequested = z.infer<typeof SplitRequested>;

export const SplitPlanned = z.object({
  ...source,
  ...videoProperties,
  ...plan,
  segment_count: z.int().positive().describe("How many segments are expected; `keyframe` may make fewer."),
  omitted_tracks: z
    .array(z.object({ index: z.int().nonnegative(), type: z.string(), codec: z.string() }))
    .describe("Tracks of the source that the segments leave out: data, subtitles, further video tracks."),
  omitted_audio_seconds: Figure.positive()
    .optional()
    .describe(
      "Seconds of audio that the segments leave out, because it is more than ten seconds before the first video frame: the most of any track. Absent if there is none.",
    ),
});
export type SplitPlanned = z.infer<typeof SplitPlanned>;

export const SegmentCreated = z.object({
  VideoId,
  parent_video: VideoId.describe("VideoId of the upload."),
  segment_index: z.int().nonnegative().describe("0 for the first. VideoId is parent_video + 1 + segment_index."),
  bucket: z.string().min(1),
  key: z.string().min(1),
  name: z.string(),
  extension: z.string(),
  bytes: Bytes,
  checksum: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .describe("Of the whole object: `sha256:` and what sha256sum prints."),
  ...videoProperties,
  requested_start: Seconds.describe("segment_index times the segment length."),
  requested_end: Seconds,
  start: Seconds.describe("Measured: presentation time of the first frame in the source, from its first video frame."),
  end: Seconds.describe("Measured: end of the last frame in the source."),
  frames: z
    .int()
    .positive()
    .describe(
      "Video frames that a decoder gives of the segment. Where it gives none, since all of the segment is damaged in the source, those that it holds: `undecodable` of VideoSplit names the stretch.",
    ),
  made: Made.optional().describe(
    "`copied`: bit for bit the source's. `stitched`: copied, except the frames around its boundaries, which were encoded again. `encoded`: encoded again as a whole.",
  ),
  audio_made: AudioMade.optional().describe(
    "`copied`: the audio is the source's, sample for sample. `encoded`: at least one track was encoded again, to the codec in audio_codecs. Absent if there is no audio.",
  ),
});
export type SegmentCreated = z.infer<typeof SegmentCreated>;

export const SegmentRangeRequested = z.object({
  ...source,
  first_segment: z.int().nonnegative().describe("Index of the first segment that is requested."),
  last_segment: z
    .int()
    .nonnegative()
    .describe("Index of the last one: the end of a range that one invocation at a time works on."),
  invocation: z
    .int()
    .min(2)
    .describe("Which invocation of the split function this is for its range: the first one planned the split."),
});
export type SegmentRangeRequested = z.infer<typeof SegmentRangeRequested>;

export const PosterCreated = z.object({
  VideoId: VideoId.describe("VideoId of the segment."),
  parent_video: VideoId.describe("VideoId of the upload."),
  segment_index: z.int().nonnegative().describe("0 for the first. VideoId is parent_video + 1 + segment_index."),
  bucket: z.string().min(1),
  key: z.string().min(1).describe("A JPEG: the segment's key with the extension jpg."),
  size: z
    .tuple([z.int().positive(), z.int().positive()])
    .describe("[width, height] of the picture in pixels: upright, with square pixels."),
});
export type PosterCreated = z.infer<typeof PosterCreated>;

/** Milliseconds, to three places. */
const Milliseconds = Figure.nonnegative();

export const Proof = z
  .object({
    source_frames: z.int().positive().describe("Video frames in the source."),
    segment_frames: z.int().positive().describe("Video frames in all segments, as a decoder gives them."),
    undecodable_frames: z
      .int()
      .nonnegative()
      .describe("Frames of the source that decoding all segments doesn't return: source_frames - segment_frames."),
    copied_frames: z.int().nonnegative().describe("Frames whose data is bit for bit the source's, by its hash."),
    anchored_frames: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        "Frames whose data is the source's with other slice headers: they refer to encoded frames, and their pictures may differ from the source's by as much as `least_psnr` says. They aren't among `copied_frames`. Absent: none.",
      ),
    least_psnr: z
      .number()
      .nonnegative()
      .optional()
      .describe(
        "The least PSNR of the anchored frames that were decoded and compared with the source's: dB, at most 100 (identical). Of each segment that has any, the first and the last ones and others between them. Absent: there are none.",
      ),
    max_boundary_deviation_ms: Milliseconds.describe(
      "How far a segment starts from the first frame at or after the requested time. `exact`: 0.",
    ),
    max_frame_time_error_ms: Milliseconds.describe("How far a frame is from its time in the source."),
    max_audio_offset_ms: Milliseconds.describe(
      "How far audio is out of sync with the video, compared with the source.",
    ),
    max_audio_gap_ms: Milliseconds.optional().describe(
      "The longest gap in the audio, in a segment or between two, that the source doesn't have. Absent where it wasn't measured.",
    ),
  })
  .describe(
    "Measured on the produced files, before any of this was announced: every frame once, in order, at its time.",
  );
export type Proof = z.infer<typeof Proof>;

const Count = z.int().nonnegative();

export const Cost = z
  .object({
    invocations: z.int().positive().describe("Of the split function, for all ranges."),
    gb_seconds: Figure.nonnegative().describe("Its configured memory in GB (2^30 bytes), times the seconds it ran."),
    bytes_read: Bytes.describe("Received from S3, of the source."),
    bytes_written: Bytes.describe("Sent to S3."),
    s3_reads: Count.describe("GET and HEAD requests to S3."),
    s3_writes: Count.describe("PUT and POST requests to S3."),
    dynamodb_reads: Count.describe("Reads of the ledger table."),
    dynamodb_writes: Count.describe("Writes to the ledger table."),
    events: Count.describe("Events that the bus accepted."),
  })
  .describe(
    "What the split function used for this split until it was recorded, just before this event: an estimate. Attempts that failed aren't included, nor cold starts, nor what other functions use. Without prices, which differ by region and over time.",
  );
export type Cost = z.infer<typeof Cost>;

export const VideoSplit = z.object({
  ...source,
  ...videoProperties,
  ...plan,
  segment_count: z
    .int()
    .positive()
    .describe("How many segments there are. Their ids: `segmentIds(VideoId, segment_count)`."),
  frames: z.int().positive().describe("Video frames in all segments together."),
  proof: Proof.optional(),
  truncated: z
    .literal(true)
    .optional()
    .describe("The source ends before what it says it holds, or can't be read further; absent where it is whole."),
  last_readable_time: Seconds.optional().describe(
    "Where it is truncated: the end of the last frame that could be read.",
  ),
  undecodable: z
    .array(z.object({ from: Seconds, to: Seconds }))
    .min(1)
    .optional()
    .describe(
      "Where the source is damaged, in seconds from its first video frame: its frames can't be decoded. Their packets are in the segments, unless the file has lost them or they had to be encoded. In order; absent if there is none.",
    ),
  cost: Cost.optional().describe(
    "What the split took. Depends on how the work went: two splits of one file differ in it. Absent if an older release split the video.",
  ),
});
export type VideoSplit = z.infer<typeof VideoSplit>;

export const VideoRejected = z.object({ ...source, rejection: Rejection });
export type VideoRejected = z.infer<typeof VideoRejected>;

export const RequestRefused = z.object({
  ...source,
  refusal: z.object({
    reason: z
      .string()
      .regex(/^[A-Z][A-Za-z]+$/)
      .describe(`A stable code; today one of ${REFUSAL_REASONS.join(", ")}.`),
    message: z.string().describe("For a person: why the request isn't met, and what to do instead."),
  }),
  cut: Cut.optional().describe("How the object is, or is being, cut instead; absent where that isn't known yet."),
  segment_seconds: z.number().positive().optional(),
  output_key_prefix: z.string().optional(),
});
export type RequestRefused = z.infer<typeof RequestRefused>;
