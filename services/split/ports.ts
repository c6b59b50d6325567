import type { Cut, Made, RejectionReason, VideoSplitEvent } from "#events-schema";
import type { PlannedPacket, PlannedSegment } from "./domain/cut-plan.ts";
import type { ExactPlan, WindowPlan } from "./domain/exact-plan.ts";
import type { SegmentObject } from "./domain/facts.ts";
import type { PacketIndex } from "./domain/packet-index.ts";
import type { SegmentProof } from "./domain/proof.ts";
import type { Source } from "./domain/source.ts";

/** What S3 knows of an object without reading it. */
export type StoredObject = {
  source: Source;
  bytes: number;
  /** User metadata, names in lower case without `x-amz-meta-`. */
  metadata: Readonly<Record<string, string>>;
};

export type SegmentUpload = {
  /** File on local disk. */
  path: string;
  bucket: string;
  key: string;
  contentType: string;
  metadata: Readonly<Record<string, string>>;
  signal: AbortSignal;
};

/** Where uploads lie and segments go. */
export type MediaStore = {
  /** Undefined where there is no such object or version. Throws `ForbiddenSourceError` where S3 won't say. */
  describe(bucket: string, key: string, versionId?: string): Promise<StoredObject | undefined>;
  /**
   * Bytes `start` to `end`, both included, in order. Throws `SourceChangedError` where the object is no longer the one
   * that was described. Ends quietly when `signal` is aborted.
   */
  read(source: Source, start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Resolves when the object is durable, with its checksum: `sha256:` and what `sha256sum` prints. */
  upload(segment: SegmentUpload): Promise<string>;
};

/** Announces events. Resolves when the bus has accepted this one. */
export type EventPublisher = { publish(event: VideoSplitEvent): Promise<void> };

/** How a video is cut. */
export type CutChoice = { segmentSeconds: number; cut: Cut; outputKeyPrefix: string };

/** Remembers which block of ids belongs to which source, and how it's cut. */
export type Ledger = {
  /** The source's VideoId: a block is claimed on the first call, and the same one returned ever after. */
  claimBlock(identity: string): Promise<number>;
  /**
   * The first choice made for this video: a retry under other settings goes on as the first attempt began. `isFirst` tells
   * that there's no earlier attempt, and so no segment to be found.
   */
  choose(videoId: number, choice: CutChoice): Promise<{ choice: CutChoice; isFirst: boolean }>;
  /** Says that the upload's last event was accepted by the bus: nobody needs to ask for it again. */
  recordEnding(videoId: number, ending: "split" | "rejected" | "given up"): Promise<void>;
  /** What earlier attempts of the last day have uploaded, by index. */
  delivered(videoId: number, segments: number): Promise<Map<number, DeliveredSegment>>;
  /** Says that a segment is durable, and then that it was announced: what comes after a crash begins there. */
  recordSegment(videoId: number, index: number, segment: DeliveredSegment): Promise<void>;
};

/** A segment that lies in the output bucket, with all that its announcement and the proof need. */
export type DeliveredSegment = { object: SegmentObject; proof: SegmentProof; announced: boolean };

/** What work came to, and whether another delivery is to be answered with it instead of working again. */
export type Done<T> = { result: T; remember: boolean };

/** Does work at most once for a key, also when two deliveries come at the same time; a crashed attempt's retry does it again. */
export type Once = <T>(key: string, work: () => Promise<Done<T>>) => Promise<{ result: T } | "done elsewhere">;

/** A track of a source. */
export type Track = {
  /** ffmpeg's stream index. */
  index: number;
  /** In lower case, as ffprobe prints it; undefined where this ffmpeg doesn't know the codec. */
  codec: string | undefined;
  /** What the container calls the codec, such as "vvc1". */
  tag: string;
};

export type VideoTrack = Track & {
  /** [width, height] in pixels as displayed: rotation applied. */
  size: [number, number];
  /** Average frames per second as the header has it; undefined where it's missing or absurd. */
  averageFps: number | undefined;
};

/** What can be told of a source without reading it to its end. Durations are left out: headers lie about them. */
export type MediaDescription = {
  /** ffprobe's names of the container, such as "mov,mp4,m4a,3gp,3g2,mj2". */
  format: string;
  video: VideoTrack | undefined;
  audio: Track[];
  /** Everything else, in the source's order: further pictures, subtitles, data. */
  others: (Track & { type: string })[];
};

/** A container that segments can be written in. */
export type Container = {
  /** ffmpeg's name of the muxer. */
  muxer: string;
  /** Of the segments' keys, without a dot. */
  extension: string;
  contentType: string;
};

/** A segment that is complete on disk, and proven. */
export type MadeSegment = {
  index: number;
  path: string;
  bytes: number;
  made: Made;
  /** Of its picture, as ffprobe names it. */
  codec: string;
  /** Of its sound, track by track. */
  audioCodecs: string[];
  proof: SegmentProof;
};

/** Boundaries on keyframes: everything is copied. */
export type KeyframeCut = { kind: "keyframe"; segments: readonly PlannedSegment[] };

/** Boundaries on the very frames. */
export type ExactCut = {
  kind: "exact";
  plan: ExactPlan | WindowPlan;
  index: PacketIndex;
  segmentSeconds: number;
};

export type PlannedCut = KeyframeCut | ExactCut;

export type CutJob = {
  description: MediaDescription;
  container: Container;
  cut: PlannedCut;
  /** The first segment that is wanted. */
  from: number;
  /** Where segments are written; each is the reader's to delete. */
  directory: string;
  signal: AbortSignal;
  log: Log;
};

/**
 * One source, opened for reading. Every method that reads throws a media fault (see `isMediaFault`) for what ffmpeg
 * can't do with it, and the signal's reason when aborted.
 */
export type OpenMedia = {
  describe(signal: AbortSignal): Promise<MediaDescription>;
  /** Resolves with whether the file ends before what it says it holds. */
  scan(
    description: MediaDescription,
    signal: AbortSignal,
    onPacket: (packet: PlannedPacket) => void,
  ): Promise<{ truncated: boolean }>;
  /** Containers for its segments, best first. `extension` is the source's. */
  containers(description: MediaDescription, extension: string): Container[];
  /**
   * Yields each segment as soon as its file is complete and proven, in order. Throws a media fault where the source can't
   * be read or the container can't hold it, and a cut failure (see `isCutFailure`) where the cut can't be done, or what
   * it gave isn't what it must be.
   */
  cut(job: CutJob): AsyncIterable<MadeSegment>;
  /** Why the store couldn't be read, once that happened. ffmpeg can't tell it from a damaged file. */
  readFailure(): unknown;
  /** Holds the reading back until `resume`. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
};

export type MediaTools = {
  open(source: {
    size: number;
    read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  }): Promise<OpenMedia>;
};

/** What a delivery came to, in figures. */
export type Measurement =
  | {
      type: "split";
      videoId: number;
      segments: number;
      /** From the first video frame to the end of the last. */
      videoSeconds: number;
      /** Of the source. */
      videoBytes: number;
      /** Of the clock, for the attempt that succeeded. */
      splitSeconds: number;
    }
  | { type: "rejected"; videoId: number; reason: RejectionReason }
  /** Nothing was done: another delivery has split the upload, or is splitting it. */
  | { type: "duplicate" };

/** Takes a measurement down. Not called for an attempt that failed: its retry tells what the delivery came to. */
export type Measure = (measurement: Measurement) => void;

/** Structured log lines. Ids only: never contents, never credentials. */
export type Log = {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  /** A log whose every line carries these fields too. */
  with(fields: Record<string, unknown>): Log;
};
