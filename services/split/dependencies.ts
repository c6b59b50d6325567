import type { EventData } from "#events-schema";
import type { Hash, UploadEvent } from "../video/ids.ts";
import type { EventPublisher } from "../video/ports/event-publisher.ts";
import type { Log } from "../video/ports/log.ts";
import type { CutChoice, Ledger } from "./ports/ledger.ts";
import type { Measure } from "./ports/measure.ts";
import type { MediaStore } from "./ports/media-store.ts";
import type { MediaTools } from "./ports/media-tools.ts";
import type { Once } from "./ports/once.ts";
import type { SavedIndexes } from "./ports/saved-indexes.ts";
import type { TakeUsage } from "./ports/usage.ts";

export type SplitSettings = {
  uploadKeyPrefix: string;
  /** Of uploads that are split, in lower case and without a dot. */
  acceptedExtensions: readonly string[];
  outputBucket: string;
  outputKeyPrefix: string;
  /**
   * Start of every segment's key: this service may not write elsewhere in the output bucket.
   */
  outputKeyRoot: string;
  segmentSeconds: number;
  cut: CutChoice["cut"];
  largestObjectBytes: number;
  /** Ranges of one video that are cut at the same time. */
  maxConcurrentRanges: number;
};

export type SplitDependencies = {
  store: MediaStore;
  publisher: EventPublisher;
  ledger: Ledger;
  indexes: SavedIndexes;
  media: MediaTools;
  once: Once;
  log: Log;
  measure: Measure;
  takeUsage: TakeUsage;
  hash: Hash;
  now: () => Date;
  /** Until `signal` ends this invocation's work. */
  secondsLeft: () => number;
  /** Makes an empty folder on local disk for one run, which removes it. */
  makeTemporaryFolder: () => Promise<string>;
  settings: SplitSettings;
};

/**
 * Announces events about one upload. Their ids follow from the upload and the event's data, so that
 * a retry announces the same.
 */
export type Announce = <T extends UploadEvent["type"] | "RequestRefused">(type: T, data: EventData<T>) => Promise<void>;
