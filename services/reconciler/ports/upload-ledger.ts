/** How often an upload without an end was asked for again, and when last (epoch seconds). */
export type Requests = { requests: number; lastRequestAt: number | undefined };

/** What the ledger knows of uploads, by their identity. */
export type UploadLedger = {
  /**
   * Epoch seconds of the first call ever: what was uploaded before is none of this service's
   * business.
   */
  beginning(now: number): Promise<number>;
  /** Whether the upload was split or rejected. */
  hasEnded(identity: string): Promise<boolean>;
  requestsFor(identity: string): Promise<Requests>;
  /**
   * Records that request number `request` of this upload, from 1, was published at `now` (epoch
   * seconds). Recording a number again, or one that was passed already, changes nothing.
   */
  countRequest(identity: string, request: number, now: number): Promise<void>;
};
