/** How an upload ended: its last event was accepted by the bus. */
export type Ending = "split" | "rejected" | "given up";

/** Remembers which block of ids belongs to which source, and which uploads have ended. */
export type VideoLedger = {
  /** The source's VideoId: a block is claimed on the first call, and the same one returned ever after. */
  claimBlock(identity: string): Promise<number>;
  /**
   * Says that the upload's last event was accepted by the bus: nobody needs to ask for it again. "split" is final: a later
   * call with another ending changes nothing.
   */
  recordEnding(videoId: number, ending: Ending): Promise<void>;
};
