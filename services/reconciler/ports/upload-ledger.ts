import type { Ending } from "../../video/ports/video-ledger.ts";
import type { Progress } from "../domain/passes.ts";

/**
 * How often an unfinished upload was requested, and the time of the last request (epoch seconds).
 */
export type Requests = { requests: number; lastRequestAt: number | undefined };

/** "begun": the split function has seen the upload, and it has not ended. */
export type UploadState = "unknown" | "begun" | Ending;

/** Reserves the reconciler for one run, for the maximum time of a run. */
export type Lease = {
  /** Unique for each run. */
  owner: string;
  seconds: number;
};

/** Uploads in the ledger, by their identity, and the progress of the reconciler's runs. */
export type UploadLedger = {
  /** When the ledger was created, in epoch seconds: when the stage was deployed. */
  createdAt(): Promise<number>;
  /**
   * Takes the lease at `now` (epoch seconds), unless another owner has it and its time isn't over.
   * Resolves with the progress of the runs before; undefined where another owner has the lease.
   */
  takeLease(lease: Lease, now: number): Promise<Progress | undefined>;
  /**
   * Records the progress. Throws `LeaseLostError` where `owner` doesn't have the lease any more.
   */
  saveProgress(owner: string, progress: Progress): Promise<void>;
  /** Ends the lease; does nothing where `owner` doesn't have it any more. */
  releaseLease(owner: string): Promise<void>;
  stateOf(identity: string): Promise<UploadState>;
  /**
   * When an invocation last ran out of time and left segments to the next one, in epoch seconds;
   * undefined where none did.
   */
  progressOf(identity: string): Promise<number | undefined>;
  requestsFor(identity: string): Promise<Requests>;
  /**
   * Records that request number `request` of this upload, from 1, was published at `now` (epoch
   * seconds). Recording a number again, or a lower one, changes nothing.
   */
  countRequest(identity: string, request: number, now: number): Promise<void>;
};
