import type { RangedSource } from "./ranged-source.ts";

/** A box of an ISO base media file (MP4, MOV, 3GP), its header taken off. ISO/IEC 14496-12, section 4.2. */
export type Box = { type: string; body: DataView };

/** A 32-bit size of 1 means that a 64-bit one follows the type; 0 that the box goes to the end of the file. */
const LARGE = 1;
const TO_THE_END = 0;
const HEADER_BYTES = 8;
const LARGE_HEADER_BYTES = 16;

type Header = { type: string; header: number; size: number };

function readHeader(view: DataView, at: number, left: number): Header | undefined {
  if (view.byteLength - at < HEADER_BYTES) return undefined;
  const type = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at + 4, 4));
  const short = view.getUint32(at);
  if (short === TO_THE_END) return { type, header: HEADER_BYTES, size: left };
  if (short !== LARGE) return { type, header: HEADER_BYTES, size: short };
  if (view.byteLength - at < LARGE_HEADER_BYTES) return undefined;
  return { type, header: LARGE_HEADER_BYTES, size: Number(view.getBigUint64(at + 8)) };
}

/** The boxes that a box holds. Ends where what is left isn't a whole box. */
export function boxesIn(body: DataView): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at < body.byteLength; ) {
    const found = readHeader(body, at, body.byteLength - at);
    if (found === undefined || found.size < found.header || at + found.size > body.byteLength) break;
    const { type, header, size } = found;
    boxes.push({ type, body: new DataView(body.buffer, body.byteOffset + at + header, size - header) });
    at += size;
  }
  return boxes;
}

/** The first box at the end of a path of types. */
export function findBox(body: DataView, ...path: string[]): DataView | undefined {
  let found: DataView | undefined = body;
  for (const type of path) found = found && boxesIn(found).find((box) => box.type === type)?.body;
  return found;
}

async function readBytes(source: RangedSource, start: number, length: number, signal: AbortSignal): Promise<DataView> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of source.read(start, start + length - 1, signal)) {
    bytes.set(chunk.subarray(0, length - filled), filled);
    filled += chunk.length;
    if (filled >= length) break;
  }
  signal.throwIfAborted();
  return new DataView(bytes.buffer, 0, Math.min(filled, length));
}

/** More than a file of days has; a hostile one may promise anything. */
const LARGEST_MOVIE_BYTES = 64 * 1024 * 1024;
const MOST_BOXES = 64;

/**
 * The body of the `moov` box, found by walking the top level with small ranged reads, wherever it stands. Undefined where there is
 * none, where it's too large, where the file is fragmented, or where a box reaches beyond the end: a truncated file.
 */
export async function readMovieBox(source: RangedSource, signal: AbortSignal): Promise<DataView | undefined> {
  let movie: { at: number; size: number } | undefined;
  let at = 0;
  for (let count = 0; at < source.size; count += 1) {
    const view = await readBytes(source, at, Math.min(LARGE_HEADER_BYTES, source.size - at), signal);
    const found = readHeader(view, 0, source.size - at);
    const usable =
      found !== undefined && found.size >= found.header && at + found.size <= source.size && count < MOST_BOXES;
    if (!usable || found.type === "moof") return undefined;
    if (found.type === "moov") movie = { at: at + found.header, size: found.size - found.header };
    at += found.size;
  }
  if (movie === undefined || movie.size > LARGEST_MOVIE_BYTES) return undefined;
  return readBytes(source, movie.at, movie.size, signal);
}

/**
 * Where the last box on the top level says that it ends: beyond the end of the file where that was truncated. Each box is
 * a read of its own, so of a file in many fragments only the first boxes are looked at.
 */
export async function topLevelEnd(source: RangedSource, signal: AbortSignal): Promise<number> {
  let at = 0;
  for (let count = 0; at < source.size && count < MOST_BOXES; count += 1) {
    const view = await readBytes(source, at, Math.min(LARGE_HEADER_BYTES, source.size - at), signal);
    const found = readHeader(view, 0, source.size - at);
    // Less than a header is left, or what follows is no box: readers stop here too.
    if (found === undefined || found.size < found.header) return at;
    at += found.size;
  }
  return at;
}
