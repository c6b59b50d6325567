import type { AudioMade, Made, RejectionReason } from "#events-schema";
import type { SourceFetchError, SourceUnavailableError } from "../../video/errors.ts";
import type { Log } from "../../video/ports/log.ts";
import type { PlannedPacket, PlannedSegment } from "../domain/cut-plan.ts";
import type { ExactPlan, WindowPlan } from "../domain/exact-segment.ts";
import type { PacketIndex } from "../domain/packet-index.ts";
import type { SegmentProof } from "../domain/proof.ts";

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
  /** Average frames per second as the header has it; undefined if it's missing or impossible. */
  averageFps: number | undefined;
  /** Whether its frames are in two fields, which may be separate packets. Default: false. */
  isInterlaced?: boolean;
};

export type AudioTrack = Track & {
  /**
   * When its audio begins, on the source's clock; undefined where the container doesn't say.
   * Seconds.
   */
  start?: number | undefined;
};

/**
 * What is known about a source without reading it to its end. Durations are left out: headers can
 * be wrong.
 */
export type MediaDescription = {
  /** ffprobe's names of the container, such as "mov,mp4,m4a,3gp,3g2,mj2". */
  format: string;
  video: VideoTrack | undefined;
  audio: AudioTrack[];
  /** All other tracks, in the source's order: further video tracks, subtitles, data. */
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
  /** Of its video track, as ffprobe names it. */
  codec: string;
  /** Of its audio tracks, in order. */
  audioCodecs: string[];
  /** Whether any of its audio was encoded again. */
  audioMade?: AudioMade | undefined;
  proof: SegmentProof;
};

/** Boundaries on keyframes: everything is copied. */
export type KeyframeCut = {
  kind: "keyframe";
  segments: readonly PlannedSegment[];
  /** When the first frame is shown, on the source's clock. */
  origin: number;
  index: PacketIndex;
};

/**
 * How the frames between a boundary and the next keyframe are made: all encoded, or a few of them,
 * so that the others can be copied with changed headers where that is smaller and as good.
 */
export type ExactBoundary = "anchored" | "encoded";

/** Boundaries at exactly the requested frames. */
export type ExactCut = {
  kind: "exact";
  plan: ExactPlan | WindowPlan;
  index: PacketIndex;
  segmentSeconds: number;
};

export type PlannedCut = KeyframeCut | ExactCut;

export type CutJob = {
  container: Container;
  cut: PlannedCut;
  /** The first segment that is needed. */
  from: number;
  /** Index of the last segment that is needed. */
  last: number;
  /** Where segments are written; the caller deletes them. */
  directory: string;
  signal: AbortSignal;
  log: Log;
};

/**
 * How a cut ended, after its last segment. Only the last two may shorten a split, try another way,
 * or reject.
 */
export type CutEnding =
  | { type: "complete" }
  /** The store failed, whatever ffmpeg's result was. `error` says whether to retry. */
  | { type: "not fetched"; error: SourceFetchError | SourceUnavailableError }
  /**
   * Every byte was fetched, and nothing can be decoded from this time on: seconds from the video's
   * first frame.
   */
  | { type: "undecodable"; from: number }
  /** The container can't hold the tracks, or no way of cutting passes the proof. */
  | { type: "impossible"; reason: RejectionReason; detail: string; cause?: unknown };

/**
 * One source, opened for reading. What reads it throws `SourceFetchError` or
 * `SourceUnavailableError` where it couldn't be fetched, a media fault (see `isMediaFault`) for
 * what ffmpeg can't do with its bytes, and the signal's reason when aborted.
 */
export type OpenMedia = {
  describe(signal: AbortSignal): Promise<DescribedMedia>;
  /** Pauses reading until `resume`. */
  pause(): void;
  resume(): void;
  /**
   * Says that the cut in progress is ended after this segment: nothing is fetched any more that only
   * later ones need.
   */
  readUpTo(segment: number): void;
  close(): Promise<void>;
};

/** A source that was described, and the operations on it. */
export type DescribedMedia = {
  description: MediaDescription;
  /**
   * Calls `onPacket` with each video packet, in decode order. Resolves with whether the file is
   * shorter than its header says, and with the packets before which frames were lost, counted in
   * decode order (default: none). An error of `onPacket` ends the reading and is thrown.
   */
  scan(
    signal: AbortSignal,
    onPacket: (packet: PlannedPacket) => void,
  ): Promise<{ truncated: boolean; losses?: readonly number[] }>;
  /** Containers for its segments, best first. `extension` is the source's, and `index` its packets. */
  containers(extension: string, index: PacketIndex): Container[];
  /**
   * Yields the segments in order, each as soon as its file is complete and proven and all bytes it
   * was made from were fetched. Reads no further than the last one needs. Then returns how the cut
   * ended. Throws errors of the machine (a process that was killed, a full disk) and the signal's
   * reason.
   */
  cut(job: CutJob): AsyncGenerator<MadeSegment, CutEnding, undefined>;
};

export type MediaTools = {
  open(source: {
    size: number;
    read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  }): Promise<OpenMedia>;
};
