/** A dead letter that is received, and hidden from others for now. */
export type ReceivedDeadLetter = {
  id: string;
  /** The receipt handle of this receive. */
  receipt: string;
  /** As it is in the queue: JSON where Lambda wrote it, any text where another sender did. */
  body: string;
};

/** The events that the split function failed on, in their dead-letter queue. */
export type DeadLetters = {
  /**
   * Receives some and hides them from others for that many seconds. An empty answer doesn't mean
   * that the queue is empty. Throws `signal`'s reason.
   */
  receive(hiddenSeconds: number, signal: AbortSignal): Promise<ReceivedDeadLetter[]>;
  /** Deletes one. Does nothing if it doesn't exist. Throws `signal`'s reason. */
  delete(deadLetter: ReceivedDeadLetter, signal: AbortSignal): Promise<void>;
  /** Lets others receive them immediately. Ignores those that don't exist. */
  release(deadLetters: readonly ReceivedDeadLetter[]): Promise<void>;
};
