import { type BoxHeader, MAX_HEADER_BYTES, readBoxHeader } from "../formats/iso/boxes.ts";
import { currentBudget } from "../process/limits.ts";
import type { RangedSource } from "./ranged-source.ts";

/** Reads the top-level boxes of an MP4 or MOV in ranges, one box header at a time. */

/** Files with an index have fewer; a fragmented one may have any number. */
const MAX_TOP_LEVEL_BOXES = 64;

/** So many bytes from byte `start` on; fewer where the source ends. */
export async function readBytes(
  source: RangedSource,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<DataView> {
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

export type TopLevelBox = BoxHeader & { at: number };

/**
 * The first `most` top-level boxes, up to invalid data, where readers stop too. Each one is a separate
 * range request.
 */
export async function* topLevelBoxes(
  source: RangedSource,
  signal: AbortSignal,
  most: number = MAX_TOP_LEVEL_BOXES,
): AsyncGenerator<TopLevelBox> {
  let at = 0;
  for (let count = 0; at < source.size && count < most; count += 1) {
    const view = await readBytes(source, at, Math.min(MAX_HEADER_BYTES, source.size - at), signal);
    const found = readBoxHeader(view, 0, source.size - at);
    if (found === undefined) return;
    yield { ...found, at };
    at += found.size;
  }
}

/**
 * The body of the `moov` box, wherever it is. Undefined when it's missing or too large, when the
 * file is fragmented, and when the file doesn't end with its last box, i.e. is truncated.
 */
export async function readMovieBox(source: RangedSource, signal: AbortSignal): Promise<DataView | undefined> {
  let movie: TopLevelBox | undefined;
  let end = 0;
  for await (const box of topLevelBoxes(source, signal)) {
    if (box.type === "moof") return undefined;
    if (box.type === "moov") movie = box;
    end = box.at + box.size;
  }
  if (end !== source.size || movie === undefined || movie.size > currentBudget().indexBytes) return undefined;
  return readBytes(source, movie.at + movie.header, movie.size - movie.header, signal);
}

/**
 * The end of the last box, as stated: beyond the end of a truncated file. In a file with many
 * fragments, only the first boxes are read.
 */
export async function topLevelEnd(source: RangedSource, signal: AbortSignal): Promise<number> {
  let end = 0;
  for await (const { at, size } of topLevelBoxes(source, signal)) end = at + size;
  return end;
}
