import { createHash } from "node:crypto";
import type { Architecture } from "./elf.ts";

/**
 * A file's length, and its sum as GitHub (`sha256:HEX`) or package-lock.json (`sha512-BASE64`) has
 * it.
 */
export type Checksum = { bytes?: number; sum: string };

/** What checksums.json records for an architecture. */
export type RecordedSums = {
  /** Of ffmpeg-static's release; that of ffprobe's package is in package-lock.json. */
  archive: Checksum;
  ffmpeg: Checksum;
  ffprobe: Checksum;
};

/**
 * `release` is ffmpeg-static's tag. An architecture without sums is refused until they are
 * recorded.
 */
export type Checksums = { release: string } & Partial<Record<Architecture, RecordedSums>>;

/** The sum of a file, in the form of another one. */
function sumLike(expected: string, content: Uint8Array): string {
  if (expected.startsWith("sha512-")) return `sha512-${createHash("sha512").update(content).digest("base64")}`;
  return sha256(content);
}

export const sha256 = (content: Uint8Array): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

export const checksumOf = (content: Uint8Array): { bytes: number; sum: string } => ({
  bytes: content.length,
  sum: sha256(content),
});

/** What is wrong with a file, with both sums; undefined where nothing is. */
export function mismatch(content: Uint8Array, expected: Checksum): string | undefined {
  const sum = sumLike(expected.sum, content);
  if (sum === expected.sum) return undefined;
  const length = expected.bytes === undefined ? "" : ` of ${expected.bytes} bytes`;
  return `expected ${expected.sum}${length}, got ${sum} of ${content.length} bytes`;
}
