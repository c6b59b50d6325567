/** A pattern that EventBridge refuses. `message` has AWS's wording. */
export class InvalidEventPatternException extends Error {
  override name = "InvalidEventPatternException";

  constructor(reason: string) {
    super(`Event pattern is not valid. Reason: ${reason}`);
  }
}

export const refuse = (reason: string): never => {
  throw new InvalidEventPatternException(reason);
};
