import { S3Error } from "./errors.ts";

/** A run of bytes of an object: `length` of them from `start`. */
export type ByteRange = { start: number; length: number };

const invalidRange = (size: number, requested: string): S3Error =>
  new S3Error("InvalidRange", "The requested range is not satisfiable", {
    details: [
      ["RangeRequested", requested],
      ["ActualObjectSize", size],
    ],
    headers: { "content-range": `bytes */${size}` },
  });

/**
 * A `Range` header against an object of `size` bytes. Undefined means the whole object: for several
 * ranges, and for what is no range at all (RFC 9110, section 14.2). Throws `InvalidRange`.
 */
export function parseRange(text: string, size: number): ByteRange | undefined {
  const found = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(text);
  const [, first = "", last = ""] = found ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw invalidRange(size, text);
    return { start: size - length, length };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Number(last);
  if (last !== "" && end < start) return undefined;
  if (start >= size) throw invalidRange(size, text);
  return { start, length: Math.min(end, size - 1) - start + 1 };
}

/** As in `Content-Range`. */
export const contentRange = ({ start, length }: ByteRange, size: number): string =>
  length === 0 ? `bytes */${size}` : `bytes ${start}-${start + length - 1}/${size}`;
