import type { Cut, Proof, Rejection, SegmentCreated, VideoRejected, VideoSplit } from "#events-schema";

/** What the console's API answers, as JSON. The page knows these types and nothing else of us. */

/** Where an object is. */
export type Place = { bucket: string; key: string };

/** What the console shows, and what can be done there. */
export type About = {
  /** The local stack, or a stage on AWS. */
  where: "local" | "stage";
  /** "local", or the stage's name. */
  name: string;
  region: string;
  /** The video bus. */
  bus: string;
  table: string;
  uploads: { bucket: string; prefix: string };
  defaults: { segmentSeconds: number; cut: Cut };
  /** In lower case, without a dot. */
  extensions: string[];
  can: {
    upload: boolean;
    /** Read the event log, replay it, and receive new events at once. Where not, the page polls. */
    events: boolean;
    faults: boolean;
  };
  /** Changes must repeat this, since they are made to a deployed stage; undefined locally. */
  confirm?: string;
};

/** What SplitPlanned says and documents don't. */
export type Plan = { cut: Cut; segment_seconds: number; segment_count: number };

/** An upload's document, without `sub_videos`, and its plan where that is known. */
export type VideoView = Pick<VideoRejected, "VideoId" | "bucket" | "key" | "name" | "extension" | "bytes"> &
  Partial<Pick<VideoSplit, "size" | "fps" | "duration" | "audio" | "frames">> &
  Partial<Pick<VideoSplit, "truncated" | "last_readable_time" | "undecodable">> & {
    creation_time: string;
    status: "processing" | "split" | "rejected";
    rejection?: Rejection;
    proof?: Proof;
    plan?: Plan;
  };

/** A segment's document. */
export type SegmentView = Pick<
  SegmentCreated,
  "VideoId" | "parent_video" | "segment_index" | "name" | "bytes" | "duration" | "start" | "end" | "frames"
> &
  Partial<Pick<SegmentCreated, "made" | "audio_made" | "size">> & { poster?: Place };

/** An object below the upload prefix that no document is about yet. */
export type WaitingView = Place & {
  bytes: number;
  /** ISO 8601 in UTC. */
  time: string;
  /** False where its extension isn't one that is split. */
  accepted: boolean;
};

export type Videos = {
  /** Newest first. */
  videos: VideoView[];
  waiting: WaitingView[];
  /** Whether there are older ones. */
  more: boolean;
};

/** By segment_index. */
export type Segments = { segments: SegmentView[]; more: boolean };

/** An event as EventBridge delivers it. */
export type EventView = {
  id: string;
  "detail-type": string;
  source: string;
  time: string;
  detail: unknown;
};

export type BusName = "video" | "default";

/** Newest first. */
export type Events = { events: EventView[]; more: boolean };

/** What a pattern is worth on AWS: `refusal` is EventBridge's reason not to take it. */
export type PatternCheck = { refusal?: string; cli: string; sst: string };

export type DeadLetterView = {
  id: string;
  queue: string;
  /** ISO 8601 in UTC. */
  sentAt: string;
  /** The rule or the function; undefined where the message is neither EventBridge's nor Lambda's. */
  source?: string;
  attempts?: number;
  errorCode?: string;
  errorMessage?: string;
  event: unknown;
};

export type Redriven = { id: string; handled: boolean; says: string };

/** Signed addresses of a video's or segment's object, and of its poster. */
export type Addresses = Record<string, { media: string; poster?: string }>;

/** How the page uploads a file: a PUT with these headers. */
export type UploadAddress = Place & { url: string; headers: Record<string, string> };

/** `name` may contain folders. */
export type UploadRequest = { name: string; segmentSeconds?: number | undefined; cut?: Cut | undefined };

export type Replayed = { before: number; after: number; added: number; changed: number; seconds: number };

export type Faults = { switches: { name: string; does: string; on: boolean }[]; seeded: string[] };

/** What the stream sends: an event of a bus, a fault, a dead letter, or that documents changed. */
export type Message =
  | { type: "event"; bus: BusName; event: EventView }
  | { type: "fault"; fault: string; time: string }
  | { type: "deadLetter" }
  | { type: "documents" };

/** A source's keyframes as its container marks them, or a clause that says why they aren't known. */
export type Keyframes =
  | {
      known: true;
      count: number;
      /** Seconds from the first video frame. Where there are very many, some of them at even distances. */
      times: readonly number[];
    }
  | { known: false; why: string };

/** What went wrong, for a person. */
export type Refusal = { message: string };
