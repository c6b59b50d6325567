/** The errors of EventBridge's API that the emulator returns. */
export type ExceptionCode =
  | "IllegalStatusException"
  | "InternalException"
  | "LimitExceededException"
  | "RequestEntityTooLargeException"
  | "ResourceAlreadyExistsException"
  | "ResourceNotFoundException"
  | "SerializationException"
  | "UnknownOperationException"
  | "ValidationException";

/** An error that is returned to the client. */
export class EventBridgeException extends Error {
  override name = "EventBridgeException";
  readonly code: ExceptionCode;

  constructor(code: ExceptionCode, message: string) {
    super(message);
    this.code = code;
  }
}

export const invalid = (message: string): EventBridgeException =>
  new EventBridgeException("ValidationException", message);

export const invalidParameter = (name: string, reason: string): EventBridgeException =>
  invalid(`Parameter ${name} is not valid. Reason: ${reason}`);

export const notFound = (what: string, where = ""): EventBridgeException =>
  new EventBridgeException("ResourceNotFoundException", `${what} does not exist${where}.`);

export const limitExceeded = (): EventBridgeException =>
  new EventBridgeException("LimitExceededException", "The requested resource exceeds the maximum number allowed.");

export const alreadyExists = (what: string): EventBridgeException =>
  new EventBridgeException("ResourceAlreadyExistsException", `${what} already exists.`);
