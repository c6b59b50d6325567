/** How an upload ended: its last event was accepted by the bus. */
export type Ending = "split" | "rejected" | "given up";

/** Records which block of ids belongs to which source, and which uploads have ended. */
export type VideoLedger = {
  /**
   * The source's VideoId: the first call claims a block of ids, and all later ones return the same.
   */
  claimBlock(identity: string): Promise<number>;
  /**
   * Records that the upload's last event was accepted by the bus: it needn't be requested again.
   * "split" is final: a later call with another ending changes nothing.
   */
  recordEnding(videoId: number, ending: Ending): Promise<void>;
};
