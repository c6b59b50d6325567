import type { EventData } from "#events-schema";
import type { TrackReport } from "./audio-check.ts";
import type { SegmentEvent } from "./segment.ts";

/** The result of a split: its events, and its files by the segments' keys. */
export type Produced = {
  outcome: "split" | "rejected" | "failed";
  /** The reason of a rejection, or the error. */
  detail: string;
  planned: EventData<"SplitPlanned"> | undefined;
  created: SegmentEvent[];
  ended: EventData<"VideoSplit"> | undefined;
  files: ReadonlyMap<string, string>;
  /** Names of leftover temporary files. */
  left: readonly string[];
};

export type Report = {
  outcome: Produced["outcome"];
  detail: string;
  made: Record<string, number>;
  frames: {
    source: number;
    segments: number;
    missing: number;
    doubled: number;
    extra: number;
    /** Packets of segments that don't decode, beyond those of the source. */
    undecodable: number;
    identical: number;
    maxTimeErrorMs: number;
  };
  /** PSNR of the frames that differ from the source's; null when none does. */
  psnr: {
    least: number;
    percentile1: number;
    mean: number;
    below: number;
    compared: number;
    uncompared: number;
    /** Of each frame, sorted. */
    all: readonly number[];
  } | null;
  audio: TrackReport[];
  metadata: string[];
  events: string[];
  /** Faults as text; empty when everything is right. */
  faults: string[];
  /** Tolerated findings. */
  notes: string[];
};
