import { type FileHandle, open } from "node:fs/promises";
import type { Container } from "../../split/ports/media-tools.ts";
import { readFully } from "../process/read-fully.ts";
import { isIso, isMatroska } from "./containers.ts";
import { MAX_HEADER_BYTES, readBoxHeader } from "./iso/boxes.ts";
import { type MoviePatch, patchMovie } from "./iso/patch-movie.ts";
import { patchDate } from "./matroska/patch-date.ts";

/** Matroska's date stands before its tracks. */
const MATROSKA_HEAD_BYTES = 65_536;

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Where the body of the file's moov box is. */
async function findMovie(file: FileHandle, size: number): Promise<{ at: number; length: number } | undefined> {
  for (let at = 0; at < size; ) {
    const left = size - at;
    const found = readBoxHeader(viewOf(await readFully(file, at, Math.min(MAX_HEADER_BYTES, left))), 0, left);
    if (found === undefined) return undefined;
    if (found.type === "moov") return { at: at + found.header, length: found.size - found.header };
    at += found.size;
  }
  return undefined;
}

/**
 * Writes into a finished segment what its muxer can't be given: a time of its own, where one run of
 * ffmpeg writes many, and the picture's turn, which each version of ffmpeg takes in another way. MP4
 * and its kin have a place for both; Matroska for the time, where the muxer was given one. Other
 * containers are left as they are.
 */
export async function patchMetadata(path: string, container: Container, patch: MoviePatch): Promise<void> {
  const { created } = patch;
  if (!isIso(container) && !isMatroska(container)) return;
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    if (isIso(container)) {
      const movie = await findMovie(file, size);
      if (movie === undefined) return;
      const body = await readFully(file, movie.at, movie.length);
      patchMovie(viewOf(body), patch);
      await file.write(body, 0, body.length, movie.at);
    } else if (created !== undefined) {
      const head = await readFully(file, 0, Math.min(MATROSKA_HEAD_BYTES, size));
      patchDate(head, created);
      await file.write(head, 0, head.length, 0);
    }
  } finally {
    await file.close();
  }
}
