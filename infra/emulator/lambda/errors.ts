/** No function of that name. */
export class FunctionNotFoundError extends Error {
  override name = "FunctionNotFoundError";
  /** As Lambda's API names it. */
  readonly code = "ResourceNotFoundException";
}

/** The event is larger than Lambda's limit. */
export class PayloadTooLargeError extends Error {
  override name = "PayloadTooLargeError";
  /** As Lambda's API names it. */
  readonly code = "RequestTooLargeException";
}

/**
 * The local Lambda was closed before the invocation ended. The event is neither handled nor
 * dropped.
 */
export class LambdaClosedError extends Error {
  override name = "LambdaClosedError";
  readonly code = "LambdaClosed";
}

/**
 * All attempts failed, and the on-failure destination did not accept the event. `cause` is the
 * reason.
 */
export class FailureDestinationError extends Error {
  override name = "FailureDestinationError";
  readonly code = "FailureDestination";
}

/** A handler can't be bundled. `message` is esbuild's, with file and line. */
export class BundleError extends Error {
  override name = "BundleError";
  readonly code = "Bundle";
}
