import { unreadable } from "../../process/errors.ts";

/** Boxes of ISO base media files (MP4, MOV, 3GP). ISO/IEC 14496-12, section 4.2. */

export type BoxHeader = {
  type: string;
  /** Bytes of the header. */
  header: number;
  /** Bytes of header and body, as stated: may be more than the file has. */
  size: number;
};

/** A box in memory. `header`: bytes before its body. */
export type Box = { type: string; header: number; body: DataView };

/**
 * Special values of the 32-bit size: 1 means that a 64-bit size follows the type, 0 that the box
 * extends to the end of the file.
 */
const LARGE = 1;
const TO_THE_END = 0;
const HEADER_BYTES = 8;
export const MAX_HEADER_BYTES = 16;

/** More than a real file has in one box. A hostile file may have millions of empty ones. */
const MAX_BOXES = 1_000;

/**
 * Reads the box header at byte `at`. `left`: bytes of the file from there on. Undefined when the
 * header is incomplete, or the stated size is smaller than the header.
 */
export function readBoxHeader(view: DataView, at: number, left: number): BoxHeader | undefined {
  if (view.byteLength - at < HEADER_BYTES) return undefined;
  const type = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at + 4, 4));
  const short = view.getUint32(at);
  if (short === TO_THE_END) return { type, header: HEADER_BYTES, size: Math.max(left, HEADER_BYTES) };
  if (short !== LARGE) return short < HEADER_BYTES ? undefined : { type, header: HEADER_BYTES, size: short };
  if (view.byteLength - at < MAX_HEADER_BYTES) return undefined;
  const size = Number(view.getBigUint64(at + HEADER_BYTES));
  return size < MAX_HEADER_BYTES ? undefined : { type, header: MAX_HEADER_BYTES, size };
}

/**
 * The boxes inside a box, behind `fields` bytes of fields. Ends before an incomplete box. Throws
 * `CutFailedError` (UnreadableMedia) for more boxes than a real file has.
 */
export function* boxesIn(body: DataView, fields = 0): Generator<Box, void, undefined> {
  let at = fields;
  for (let count = 0; at < body.byteLength; count += 1) {
    const found = readBoxHeader(body, at, body.byteLength - at);
    if (found === undefined || at + found.size > body.byteLength) return;
    if (count === MAX_BOXES) throw unreadable(`one of its boxes contains more than ${MAX_BOXES} boxes`);
    const { type, header, size } = found;
    yield { type, header, body: new DataView(body.buffer, body.byteOffset + at + header, size - header) };
    at += size;
  }
}

/** The first box of a type. */
export function firstOf(boxes: Iterable<Box>, type: string): Box | undefined {
  for (const box of boxes) if (box.type === type) return box;
  return undefined;
}

/** The body of the first box at a path of types. */
export function findBox(body: DataView, ...path: readonly string[]): DataView | undefined {
  let found: DataView | undefined = body;
  for (const type of path) found = found && firstOf(boxesIn(found), type)?.body;
  return found;
}
