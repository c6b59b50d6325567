import { type FileHandle, open } from "node:fs/promises";
import type { Container } from "../../split/ports/media-tools.ts";
import { readFully } from "../process/read-fully.ts";
import { isIso, isMatroska } from "./containers.ts";
import { MAX_HEADER_BYTES, readBoxHeader } from "./iso/boxes.ts";
import { type MoviePatch, patchMovie } from "./iso/patch-movie.ts";
import { patchDate } from "./matroska/patch-date.ts";

/** Matroska's date is in front of its tracks. */
const MATROSKA_HEAD_BYTES = 65_536;

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Position of the body of the file's moov box. */
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
 * Writes metadata into a finished segment that its muxer can't be given: the creation time, because
 * one ffmpeg run writes many segments, and the rotation, because ffmpeg's options for it differ
 * between versions. MP4 and related formats store both; Matroska stores the time when the muxer was
 * given one. Other containers aren't changed.
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
