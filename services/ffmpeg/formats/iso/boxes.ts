import { unreadable } from "../../process/errors.ts";

/** Boxes of ISO base media files (MP4, MOV, 3GP). ISO/IEC 14496-12, section 4.2. */

export type BoxHeader = {
  type: string;
  /** Bytes of the header itself. */
  header: number;
  /** Bytes with the header, as stated: they may reach beyond what there is. */
  size: number;
};

/** A box in memory. `header` is how many bytes come before its body. */
export type Box = { type: string; header: number; body: DataView };

/**
 * A 32-bit size of 1 means that a 64-bit one follows the type; 0 that the box goes to the end of
 * the file.
 */
const LARGE = 1;
const TO_THE_END = 0;
const HEADER_BYTES = 8;
export const MAX_HEADER_BYTES = 16;

/** More than any box of a real file holds: a hostile one may hold millions of empty boxes. */
const MAX_BOXES = 1_000;

/**
 * The header at a place, `left` being how many bytes there are from there on. Undefined where no
 * whole header is there, or its size is smaller than itself.
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
 * The boxes that a box holds, behind fields of `fields` bytes. Ends where what is left isn't a
 * whole box. Throws `CutFailedError` (UnreadableMedia) for more boxes than a real file has.
 */
export function* boxesIn(body: DataView, fields = 0): Generator<Box, void, undefined> {
  let at = fields;
  for (let count = 0; at < body.byteLength; count += 1) {
    const found = readBoxHeader(body, at, body.byteLength - at);
    if (found === undefined || at + found.size > body.byteLength) return;
    if (count === MAX_BOXES) throw unreadable(`one of its boxes holds more than ${MAX_BOXES} others`);
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

/** The body of the first box at the end of a path of types. */
export function findBox(body: DataView, ...path: readonly string[]): DataView | undefined {
  let found: DataView | undefined = body;
  for (const type of path) found = found && firstOf(boxesIn(found), type)?.body;
  return found;
}
