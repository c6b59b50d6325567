/** Errors of SQS's API that the local one gives, with the names of the old query protocol beside them. */
const QUERY_NAMES = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  ReceiptHandleIsInvalid: "ReceiptHandleIsInvalid",
  InvalidParameterValueException: "InvalidParameterValue",
  MissingRequiredParameterException: "MissingParameter",
  UnsupportedOperation: "AWS.SimpleQueueService.UnsupportedOperation",
  InternalFailure: "InternalFailure",
} as const;

export type SqsErrorCode = keyof typeof QUERY_NAMES;

/** A refusal that the client is told about. */
export class SqsError extends Error {
  override name = "SqsError";
  readonly code: SqsErrorCode;

  constructor(code: SqsErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** What clients that came from the query protocol go by. */
  get queryError(): string {
    return `${QUERY_NAMES[this.code]};${this.code === "InternalFailure" ? "Receiver" : "Sender"}`;
  }
}
