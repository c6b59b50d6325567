import type { IncomingHttpHeaders } from "node:http";
import {
  algorithmNamed,
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumHeader,
  isChecksumValue,
  startDigest,
} from "./checksums.ts";
import { S3Error } from "./errors.ts";
import type { RunningDigest } from "./running-digest.ts";

/** The checksum that the client declares. `value` is missing where it follows as a trailer. */
export type DeclaredChecksum = { algorithm: ChecksumAlgorithm; value?: string };

export type PayloadDigests = {
  size: number;
  md5: Buffer;
  /** Base64, of the declared algorithm and the requested ones. */
  checksums: ReadonlyMap<ChecksumAlgorithm, string>;
  declared: ChecksumAlgorithm | undefined;
};

const UNHASHED = /^(?:UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]+)$/;

const invalidRequest = (message: string): S3Error => new S3Error("InvalidRequest", message);

/**
 * Reads the headers of https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html. Throws
 * `InvalidRequest`.
 */
export function declaredChecksum(headers: IncomingHttpHeaders): DeclaredChecksum | undefined {
  const given = CHECKSUM_ALGORITHMS.filter((algorithm) => headers[checksumHeader(algorithm)] !== undefined);
  const trailers = String(headers["x-amz-trailer"] ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const trailing = CHECKSUM_ALGORITHMS.filter((algorithm) => trailers.includes(checksumHeader(algorithm)));
  if (trailing.length < trailers.length)
    throw invalidRequest("The value specified in the x-amz-trailer header is not supported");
  const all = [...given, ...trailing];
  if (all.length > 1) {
    throw invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  }
  const named = headers["x-amz-sdk-checksum-algorithm"];
  const [algorithm] = all;
  if (algorithm === undefined) {
    if (named === undefined) return undefined;
    throw invalidRequest(
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
  if (named !== undefined && algorithmNamed(String(named)) !== algorithm) {
    throw invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (trailing.length > 0) return { algorithm };
  const value = String(headers[checksumHeader(algorithm)]);
  if (!isChecksumValue(algorithm, value)) {
    throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`);
  }
  return { algorithm, value };
}

function declaredMd5(headers: IncomingHttpHeaders): string | undefined {
  const value = headers["content-md5"];
  if (value === undefined) return undefined;
  const text = String(value);
  if (Buffer.from(text, "base64").length !== 16) {
    throw new S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.", {
      details: [["Content-MD5", text]],
    });
  }
  return text;
}

function declaredSha256(headers: IncomingHttpHeaders): string | undefined {
  const value = headers["x-amz-content-sha256"];
  if (value === undefined || UNHASHED.test(String(value))) return undefined;
  const text = String(value).toLowerCase();
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw invalidRequest(
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
  );
}

/** Compares a body, chunk by chunk, with its headers and trailers. */
export class PayloadCheck {
  readonly #declared: DeclaredChecksum | undefined;
  readonly #md5: string | undefined;
  readonly #sha256: string | undefined;
  readonly #digests = new Map<ChecksumAlgorithm | "MD5", RunningDigest>();
  #size = 0;

  /**
   * `wanted` are computed whether declared or not. Throws `InvalidRequest` and `InvalidDigest` for
   * unusable headers.
   */
  constructor(headers: IncomingHttpHeaders, wanted: (declared?: ChecksumAlgorithm) => readonly ChecksumAlgorithm[]) {
    this.#declared = declaredChecksum(headers);
    this.#md5 = declaredMd5(headers);
    this.#sha256 = declaredSha256(headers);
    const names = new Set<ChecksumAlgorithm | "MD5">(["MD5", ...wanted(this.#declared?.algorithm)]);
    if (this.#declared !== undefined) names.add(this.#declared.algorithm);
    if (this.#sha256 !== undefined) names.add("SHA256");
    for (const name of names) this.#digests.set(name, startDigest(name));
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.length;
    for (const digest of this.#digests.values()) digest.update(chunk);
  }

  /** Throws `BadDigest`, `XAmzContentSHA256Mismatch` and `MalformedTrailerError`. */
  finish(trailers: ReadonlyMap<string, string>): PayloadDigests {
    const digests = new Map([...this.#digests].map(([name, digest]) => [name, digest.digest()] as const));
    const md5 = digests.get("MD5")!;
    if (this.#md5 !== undefined && Buffer.from(this.#md5, "base64").compare(md5) !== 0) {
      throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.", {
        details: [
          ["ExpectedDigest", this.#md5],
          ["CalculatedDigest", md5.toString("base64")],
        ],
      });
    }
    const sha256 = digests.get("SHA256")?.toString("hex");
    if (this.#sha256 !== undefined && this.#sha256 !== sha256) {
      throw new S3Error(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        {
          details: [
            ["ClientComputedContentSHA256", this.#sha256],
            ["S3ComputedContentSHA256", sha256],
          ],
        },
      );
    }
    const checksums = new Map<ChecksumAlgorithm, string>();
    for (const [name, digest] of digests) if (name !== "MD5") checksums.set(name, digest.toString("base64"));
    this.#compareChecksum(checksums, trailers);
    return { size: this.#size, md5, checksums, declared: this.#declared?.algorithm };
  }

  #compareChecksum(checksums: ReadonlyMap<ChecksumAlgorithm, string>, trailers: ReadonlyMap<string, string>): void {
    if (this.#declared === undefined) return;
    const { algorithm } = this.#declared;
    const value = this.#declared.value ?? trailers.get(checksumHeader(algorithm));
    if (value === undefined) {
      throw new S3Error(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
      );
    }
    if (!isChecksumValue(algorithm, value)) {
      throw invalidRequest(`Value for ${checksumHeader(algorithm)} trailing header is invalid.`);
    }
    if (value !== checksums.get(algorithm)) {
      throw new S3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
    }
  }
}
