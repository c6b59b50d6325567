/** No function of that name. */
export class FunctionNotFoundError extends Error {
  override name = "FunctionNotFoundError";
  /** As Lambda's API names it. */
  readonly code = "ResourceNotFoundException";
}

/** The event is larger than Lambda takes. */
export class PayloadTooLargeError extends Error {
  override name = "PayloadTooLargeError";
  /** As Lambda's API names it. */
  readonly code = "RequestTooLargeException";
}

/** The local Lambda was closed before the invocation ended. The event is neither done nor given up. */
export class LambdaClosedError extends Error {
  override name = "LambdaClosedError";
  readonly code = "LambdaClosed";
}

/** An event was given up and its on-failure destination would not take it. `cause` says why. */
export class FailureDestinationError extends Error {
  override name = "FailureDestinationError";
  readonly code = "FailureDestination";
}

/** A handler can't be bundled. `message` is esbuild's, with file and line. */
export class BundleError extends Error {
  override name = "BundleError";
  readonly code = "Bundle";
}
