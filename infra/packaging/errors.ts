/**
 * A program to deploy doesn't run in Lambda, or can't be downloaded. The message says why and what
 * to do.
 */
export class PackagingError extends Error {
  override name = "PackagingError";
}
