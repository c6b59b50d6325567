import { CutFailedError } from "../process/errors.ts";

/** A produced file isn't what it must be. */
export class ProofError extends CutFailedError {
  override name = "ProofError";

  constructor(message: string, options?: ErrorOptions) {
    super("ProofFailed", message, options);
  }
}
