/** A pattern that EventBridge refuses. `message` reads as AWS's own. */
export class InvalidEventPatternException extends Error {
  override name = "InvalidEventPatternException";

  constructor(reason: string) {
    super(`Event pattern is not valid. Reason: ${reason}`);
  }
}

export const refuse = (reason: string): never => {
  throw new InvalidEventPatternException(reason);
};
