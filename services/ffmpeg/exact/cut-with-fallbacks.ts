import { rm } from "node:fs/promises";
import type { MadeSegment } from "../../split/ports/media-tools.ts";
import type { Log } from "../../video/ports/log.ts";
import { isCausedByFile } from "../process/errors.ts";
import type { SeekPoint } from "../source/seek-point.ts";
import { isAboutSegment, UndecodableSegmentsError } from "./segment-error.ts";

type Making = (from: number, seek: SeekPoint | undefined) => AsyncGenerator<MadeSegment>;

/** The ways in which a video can be cut exactly. Each makes the segments from an index on. */
export type CutWays = {
  /** Copies, and encodes around boundaries; undefined where that isn't possible. */
  stitch: Making | undefined;
  /** Codecs in which everything can be encoded, best first. */
  encodings: readonly string[];
  encode: (encoding: number, ...making: Parameters<Making>) => AsyncGenerator<MadeSegment>;
  /** Copies the segments before `end` as they are: nothing in them can be decoded. */
  copy: (from: number, end: number, seek: SeekPoint | undefined) => AsyncGenerator<MadeSegment>;
  /** Call it when stitching a segment failed: whether that may succeed without anchors. */
  withoutAnchors: (segment: number) => boolean;
  /** Index of the first segment to make. */
  from: number;
  /** Where reading begins for it. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  /** Where reading begins for a later segment. Default: at the start of the source. */
  seekTo?: (segment: number) => Promise<SeekPoint | undefined>;
  signal: AbortSignal;
  log: Pick<Log, "info" | "warn">;
};

/**
 * Makes each segment in the best way that works. A segment that can't be stitched is encoded, with
 * those after it in which frames are missing: then stitching goes on, so that damage stays local.
 * Yields the segments in order; the caller owns their files. Throws the last way's failure.
 */
export async function* cutWithFallbacks(ways: CutWays): AsyncGenerator<MadeSegment> {
  const { stitch, signal, log } = ways;
  let next = ways.from;
  if (stitch === undefined) return yield* encodeFrom(ways, next);
  // How often stitching failed at once: where it never works, it's tried ever more rarely.
  let failures = 0;
  for (;;) {
    let reason: unknown;
    try {
      for await (const segment of fromSeekPoint(ways, next, stitch)) {
        next = segment.index + 1;
        failures = 0;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      // Another way helps only against a failure that the file causes.
      if (!isCausedByFile(error)) throw error;
      reason = error;
    }
    if (isAboutSegment(reason) && ways.withoutAnchors(next)) {
      log.warn("Stitching without anchors", { from_segment: next, since: String(reason) });
      continue;
    }
    const since = `stitch: ${String(reason)}`;
    log.warn(`Falling back to re-encoding (${ways.encodings[0]})`, { from_segment: next, since });
    if (!isAboutSegment(reason)) return yield* encodeFrom(ways, next);
    failures += 1;
    const end = next + Math.max(1, 2 ** (failures - 2));
    let isDone = true;
    for await (const segment of encodeFrom(ways, next)) {
      if (segment.index >= end && segment.proof.stretches === undefined) {
        await rm(segment.path);
        isDone = false;
        break;
      }
      next = segment.index + 1;
      yield segment;
    }
    if (isDone) return;
    log.info("Stitching again", { from_segment: next });
  }
}

/**
 * Encodes with the first encoder that works, and copies what can't be decoded. Ends early where that
 * can't be copied either.
 */
async function* encodeFrom(ways: CutWays, from: number): AsyncGenerator<MadeSegment> {
  const { encodings, encode, signal, log } = ways;
  let next = from;
  for (let encoding = 0; ; ) {
    try {
      for await (const segment of fromSeekPoint(ways, next, (...making) => encode(encoding, ...making))) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UndecodableSegmentsError) {
        log.warn("Copying segments that can't be decoded", { from_segment: next, to_segment: error.end - 1 });
        for await (const segment of copied(ways, next, error.end)) {
          next = segment.index + 1;
          yield segment;
        }
        if (next < error.end) return;
        continue;
      }
      if (!isCausedByFile(error) || encoding + 1 === encodings.length) throw error;
      const since = `encode: ${String(error)}`;
      encoding += 1;
      log.warn(`Falling back to re-encoding (${encodings[encoding]})`, { from_segment: next, since });
    }
  }
}

/** Copies segments as they are, as far as that's possible. */
async function* copied(ways: CutWays, from: number, end: number): AsyncGenerator<MadeSegment> {
  const { copy, signal, log } = ways;
  try {
    for await (const segment of fromSeekPoint(ways, from, (next, seek) => copy(next, end, seek))) {
      yield segment;
      if (segment.index + 1 === end) return;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isCausedByFile(error)) throw error;
    log.warn("Ending the cut: a segment can't be decoded or copied", { since: String(error) });
  }
}

/** Reads from the seek point; without one, or when that fails, from the start of the source. */
async function* fromSeekPoint(ways: CutWays, from: number, making: Making): AsyncGenerator<MadeSegment> {
  const { signal, log } = ways;
  const seek = from === ways.from ? ways.seek : await ways.seekTo?.(from);
  let next = from;
  if (seek !== undefined) {
    try {
      for await (const segment of making(next, seek)) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isCausedByFile(error) || isAboutSegment(error)) throw error;
      log.warn("Falling back to reading the source from its start", { from_segment: next, since: String(error) });
    }
  }
  yield* making(next, undefined);
}
