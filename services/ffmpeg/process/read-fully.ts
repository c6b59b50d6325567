import type { FileHandle } from "node:fs/promises";
import { ServiceError } from "../../video/errors.ts";

/** A temporary file is shorter than what was written to it. */
export class UnexpectedEndOfFileError extends ServiceError {
  override name = "UnexpectedEndOfFileError";
  readonly code = "UnexpectedEndOfFile";
  readonly retryable = true;
}

/**
 * Reads exactly `length` bytes from `position` on, into `data`, which may be longer; default: a new
 * buffer. `FileHandle.read` may return fewer. Throws `UnexpectedEndOfFileError` when the file ends
 * before, and the file system's errors.
 */
export async function readFully(
  file: Pick<FileHandle, "read">,
  position: number,
  length: number,
  data: Buffer<ArrayBuffer> = Buffer.allocUnsafe(length),
): Promise<Buffer<ArrayBuffer>> {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(data, filled, length - filled, position + filled);
    if (bytesRead === 0) {
      const end = position + filled;
      throw new UnexpectedEndOfFileError(`The file ends at byte ${end}; expected at least ${position + length} bytes`);
    }
    filled += bytesRead;
  }
  return data;
}
