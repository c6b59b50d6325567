/** A checksum of bytes that come in pieces. */
export type RunningDigest = { update(chunk: Uint8Array): void; digest(): Buffer };
