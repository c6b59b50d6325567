/** Errors of SQS's API that the local one gives, with their names in the former query protocol. */
const QUERY_NAMES = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
  ReceiptHandleIsInvalid: "ReceiptHandleIsInvalid",
  InvalidParameterValueException: "InvalidParameterValue",
  MissingRequiredParameterException: "MissingParameter",
  UnsupportedOperation: "AWS.SimpleQueueService.UnsupportedOperation",
  InternalFailure: "InternalFailure",
} as const;

export type SqsErrorCode = keyof typeof QUERY_NAMES;

/** An error that is returned to the client. */
export class SqsError extends Error {
  override name = "SqsError";
  readonly code: SqsErrorCode;

  constructor(code: SqsErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** The name that clients of the query protocol use. */
  get queryError(): string {
    return `${QUERY_NAMES[this.code]};${this.code === "InternalFailure" ? "Receiver" : "Sender"}`;
  }
}
