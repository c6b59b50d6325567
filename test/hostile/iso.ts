import { readFile, writeFile } from "node:fs/promises";
import { box, words } from "../fixtures/boxes.ts";

/** Changes MP4 files whose index comes after the frames, so that nothing that it points to moves. */

const HEADER_BYTES = 8;

type Place = { at: number; size: number };

/** Where the first box of a type is between two places. */
function find(bytes: Buffer, type: string, from: number, to: number): Place {
  for (let at = from; at + HEADER_BYTES <= to; ) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + HEADER_BYTES) === type) return { at, size };
    at += Math.max(size, HEADER_BYTES);
  }
  throw new Error(`The file has no ${type}`);
}

/** The boxes along a path, from the outermost on. */
function places(bytes: Buffer, path: readonly string[]): Place[] {
  let [from, to] = [0, bytes.length];
  return path.map((type) => {
    const place = find(bytes, type, from, to);
    [from, to] = [place.at + HEADER_BYTES, place.at + place.size];
    return place;
  });
}

/** Replaces the box at the end of a path. */
export function replaced(bytes: Buffer, path: readonly string[], ...boxes: readonly Buffer[]): Buffer {
  const along = places(bytes, path);
  const { at, size } = along.at(-1)!;
  const body = Buffer.concat(boxes);
  const result = Buffer.concat([bytes.subarray(0, at), body, bytes.subarray(at + size)]);
  for (const parent of along.slice(0, -1)) result.writeUInt32BE(parent.size + body.length - size, parent.at);
  return result;
}

/** The whole box at the end of a path. */
export function boxAt(bytes: Buffer, ...path: readonly string[]): Buffer {
  const { at, size } = places(bytes, path).at(-1)!;
  return bytes.subarray(at, at + size);
}

/** Adds boxes behind the one at the end of a path. */
export const extended = (bytes: Buffer, path: readonly string[], ...boxes: readonly Buffer[]): Buffer =>
  replaced(bytes, path, boxAt(bytes, ...path), ...boxes);

/** Empty boxes, of 8 bytes each. */
export const emptyBoxes = (count: number): Buffer => Buffer.alloc(count * HEADER_BYTES, box("free"));

/** Names and values as iTunes writes them into a movie. */
export function iTunesTags(count: number): Buffer {
  const entries = Array.from({ length: count }, (_, number) => {
    const name = `\xa9${number.toString(36).padStart(3, "0").slice(-3)}`;
    return box(name, box("data", words(1, 0), Buffer.from(`value ${number}`)));
  });
  const handler = box("hdlr", words(0, 0), Buffer.from("mdirappl"), Buffer.alloc(9));
  return box("udta", box("meta", words(0), handler, box("ilst", ...entries)));
}

/** Changes a file in place. */
export async function changed(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}
