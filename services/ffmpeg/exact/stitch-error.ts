import { CutFailedError } from "../process/errors.ts";

/** This video can't be stitched, and is re-encoded instead. */
export class StitchError extends CutFailedError {
  override name = "StitchError";

  constructor(message: string) {
    super("UnreadableMedia", message);
  }
}
