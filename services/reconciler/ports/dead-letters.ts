/** A dead letter that is received, and hidden from others for now. */
export type ReceivedLetter = {
  id: string;
  /** Of this time that it was received. */
  receipt: string;
  /** As the queue has it: JSON where Lambda wrote it, any text where somebody else did. */
  body: string;
};

/** The events that the split function failed on, in their dead-letter queue. */
export type DeadLetters = {
  /**
   * Receives some, which nobody else does for so many seconds. None, where there are none at hand;
   * there may be some the next time. Throws `signal`'s reason.
   */
  receive(hiddenSeconds: number, signal: AbortSignal): Promise<ReceivedLetter[]>;
  /** Deletes one for good. Does nothing where it's gone. Throws `signal`'s reason. */
  delete(letter: ReceivedLetter, signal: AbortSignal): Promise<void>;
  /** Lets others receive them at once. Does nothing about those that are gone. */
  release(letters: readonly ReceivedLetter[]): Promise<void>;
};
