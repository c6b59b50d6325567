import { CutFailedError } from "../process/errors.ts";

/** A segment's file fails the proof. */
export class ProofError extends CutFailedError {
  override name = "ProofError";

  constructor(message: string, options?: ErrorOptions) {
    super("ProofFailed", message, options);
  }
}
