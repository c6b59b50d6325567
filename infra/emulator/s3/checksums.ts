import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { CRC32_POLYNOMIAL, CRC32C_POLYNOMIAL, CRC64NVME_POLYNOMIAL, Crc32c, Crc64Nvme } from "./crc.ts";
import { CrcCombination } from "./crc-combination.ts";
import type { RunningDigest } from "./running-digest.ts";

/**
 * The names in elements and in `x-amz-checksum-algorithm`:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
/** `COMPOSITE`: a checksum of the parts' checksums, followed by `-` and their number. */
export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";
/** `value` is base64. */
export type Checksum = { algorithm: ChecksumAlgorithm; type: ChecksumType; value: string };

/** The checksum that S3 computes if the client names no algorithm. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = "CRC64NVME";

const BYTES: Record<ChecksumAlgorithm, number> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };

const COMBINATIONS: Partial<Record<ChecksumAlgorithm, CrcCombination>> = {
  CRC32: new CrcCombination(CRC32_POLYNOMIAL, 32),
  CRC32C: new CrcCombination(CRC32C_POLYNOMIAL, 32),
  CRC64NVME: new CrcCombination(CRC64NVME_POLYNOMIAL, 64),
};

class Crc32 implements RunningDigest {
  #crc = 0;

  update(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc);
    return bytes;
  }
}

export function startDigest(algorithm: ChecksumAlgorithm | "MD5"): RunningDigest {
  if (algorithm === "CRC32") return new Crc32();
  if (algorithm === "CRC32C") return new Crc32c();
  if (algorithm === "CRC64NVME") return new Crc64Nvme();
  return createHash(algorithm.toLowerCase());
}

export const checksumHeader = (algorithm: ChecksumAlgorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`;

export const checksumElement = (algorithm: ChecksumAlgorithm): string => `Checksum${algorithm}`;

/** The algorithm of a name in any case; undefined if S3 has no such algorithm. */
export const algorithmNamed = (name: string): ChecksumAlgorithm | undefined =>
  CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());

/** Whether this is base64 of as many bytes as the algorithm makes. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, "base64");
  return bytes.length === BYTES[algorithm] && bytes.toString("base64") === value;
}

/** The type of that name, if there is one. */
export const typeNamed = (name: string): ChecksumType | undefined =>
  name === "FULL_OBJECT" || name === "COMPOSITE" ? name : undefined;

/**
 * Only CRCs of the whole object can be computed without reading its parts again; CRC64NVME has no
 * other type.
 */
export const allowsType = (algorithm: ChecksumAlgorithm, type: ChecksumType): boolean =>
  type === "COMPOSITE" ? algorithm !== "CRC64NVME" : COMBINATIONS[algorithm] !== undefined;

/** The type that S3 uses where the client names only the algorithm. */
export const defaultType = (algorithm: ChecksumAlgorithm): ChecksumType =>
  algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";

/** The checksum of an object from those of its parts. `size` in bytes. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { size: number; checksum: string }[],
): Checksum {
  const values = parts.map((part) => Buffer.from(part.checksum, "base64"));
  const combination = COMBINATIONS[algorithm];
  if (type === "COMPOSITE" || combination === undefined) {
    const digest = startDigest(algorithm);
    for (const value of values) digest.update(value);
    return { algorithm, type: "COMPOSITE", value: `${digest.digest().toString("base64")}-${parts.length}` };
  }
  const crc = values
    .map((value) => BigInt(`0x${value.toString("hex")}`))
    .reduce((whole, part, index) => combination.combine(whole, part, parts[index]!.size));
  const bytes = Buffer.from(crc.toString(16).padStart(BYTES[algorithm] * 2, "0"), "hex");
  return { algorithm, type, value: bytes.toString("base64") };
}

/** The response headers of a checksum. */
export const checksumHeaders = (checksum: Checksum): Record<string, string> => ({
  [checksumHeader(checksum.algorithm)]: checksum.value,
  "x-amz-checksum-type": checksum.type,
});
