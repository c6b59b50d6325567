import { CutFailedError } from "../process/errors.ts";

/** This video can't be stitched: it's encoded instead. */
export class StitchError extends CutFailedError {
  override name = "StitchError";

  constructor(message: string) {
    super("UnreadableMedia", message);
  }
}
