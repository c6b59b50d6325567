import type { FileHandle } from "node:fs/promises";
import { ServiceError } from "../../video/errors.ts";

/** A file of ours ended before the bytes that it must hold: it was cut off while it was written, or since. */
export class UnexpectedEndOfFileError extends ServiceError {
  override name = "UnexpectedEndOfFileError";
  readonly code = "UnexpectedEndOfFile";
  readonly retryable = true;
}

/**
 * Reads exactly `length` bytes from `position` on: `FileHandle.read` may return fewer than were asked for. Throws
 * `UnexpectedEndOfFileError` where the file ends before, and the file system's own errors.
 */
export async function readFully(
  file: Pick<FileHandle, "read">,
  position: number,
  length: number,
): Promise<Buffer<ArrayBuffer>> {
  const data = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(data, filled, length - filled, position + filled);
    if (bytesRead === 0) {
      const end = position + filled;
      throw new UnexpectedEndOfFileError(`The file ends at byte ${end}, and must reach to ${position + length}`);
    }
    filled += bytesRead;
  }
  return data;
}
