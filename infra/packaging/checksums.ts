import { createHash } from "node:crypto";
import type { Architecture } from "./elf.ts";

/** A program that is shipped with a function, as `bin/NAME` beside its bundle. */
export type Program = "ffmpeg" | "ffprobe";

/** A file's length, and its sum as GitHub has it: `sha256:HEX`. */
export type Checksum = { bytes?: number; sum: string };

/** Of a program as the release has it, compressed, and of the program itself. */
export type ProgramSums = { archive: Checksum; program: Checksum };

/** What checksums.json records for an architecture. */
export type RecordedSums = Record<Program, ProgramSums>;

/**
 * `release` is ffmpeg-static's tag, `version` that of the ffmpeg inside its Linux programs, and
 * `released` the day of that version (YYYY-MM-DD). An architecture without sums is refused until
 * they are recorded.
 */
export type Checksums = { release: string; version: string; released: string } & Partial<
  Record<Architecture, RecordedSums>
>;

const sha256 = (content: Uint8Array): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

export const checksumOf = (content: Uint8Array): { bytes: number; sum: string } => ({
  bytes: content.length,
  sum: sha256(content),
});

/** What is wrong with a file, with both sums; undefined where nothing is. */
export function mismatch(content: Uint8Array, expected: Checksum): string | undefined {
  const sum = sha256(content);
  if (sum === expected.sum) return undefined;
  const length = expected.bytes === undefined ? "" : ` of ${expected.bytes} bytes`;
  return `expected ${expected.sum}${length}, got ${sum} of ${content.length} bytes`;
}
