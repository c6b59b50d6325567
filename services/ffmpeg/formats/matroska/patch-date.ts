import { crc32 } from "node:zlib";
import { readElementHeader } from "./ebml.ts";
import { ID } from "./ids.ts";

/** Dates are nanoseconds since 2001. RFC 8794, section 7.6. */
const EPOCH_MILLISECONDS = 978_307_200_000;
const NANOSECONDS = 1_000_000n;
const DATE_BYTES = 8;
const CRC_BYTES = 4;

type Body = { from: number; to: number };

/** The body of the first element with an id between two offsets; undefined where it ends behind them. */
function find(bytes: Buffer, id: number, { from, to }: Body): Body | undefined {
  for (let at = from; at < to; ) {
    const found = readElementHeader(bytes, at);
    if (found === undefined) return undefined;
    const begin = at + found.header;
    const end = found.size === undefined ? to : begin + found.size;
    if (found.id === id) return found.size === undefined || end <= to ? { from: begin, to: end } : undefined;
    at = end;
  }
  return undefined;
}

/** Where the body of a file's Segment begins, most of which is behind these bytes. */
function segmentBody(bytes: Buffer): number {
  for (let at = 0; ; ) {
    const found = readElementHeader(bytes, at);
    if (found === undefined) return bytes.length;
    if (found.id === ID.Segment) return at + found.header;
    at += found.header + (found.size ?? bytes.length);
  }
}

/**
 * Sets DateUTC of a Matroska file that has one, in place, and updates the checksum of its parent.
 * `bytes`: the beginning of the file. `created`: milliseconds since 1970. RFC 9559, section 5.1.2.
 */
export function patchDate(bytes: Buffer, created: number): void {
  const info = find(bytes, ID.Info, { from: segmentBody(bytes), to: bytes.length });
  const date = info && find(bytes, ID.DateUTC, info);
  if (info === undefined || date === undefined || date.to - date.from !== DATE_BYTES) return;
  bytes.writeBigInt64BE(BigInt(Math.round(created) - EPOCH_MILLISECONDS) * NANOSECONDS, date.from);
  const checksum = find(bytes, ID.CRC32, info);
  // The checksum is the first element and covers the ones behind it.
  if (checksum === undefined || checksum.to - checksum.from !== CRC_BYTES) return;
  bytes.writeUInt32LE(crc32(bytes.subarray(checksum.to, info.to)), checksum.from);
}
