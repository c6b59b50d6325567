import type { MadeSegment } from "../../split/ports/media-tools.ts";
import type { Log } from "../../video/ports/log.ts";
import { isCausedByFile } from "../process/errors.ts";
import type { SeekPoint } from "../source/seek-point.ts";
import { isAboutSegment, UndecodableSegmentsError, UnstitchableError } from "./segment-error.ts";

/** Makes the segments `from` to `last`. Reads from the seek point, or from the start of the source. */
export type Making = (range: {
  from: number;
  last: number;
  seek: SeekPoint | undefined;
}) => AsyncGenerator<MadeSegment>;

/** A way of encoding everything. */
export type Encoding = {
  /** As ffprobe names it. */
  codec: string;
  make: Making;
  /** The segment whose frames must be read too when a segment is the first one to be made. */
  startOf: (segment: number) => number;
};

/** The ways in which a video can be cut exactly. */
export type CutWays = {
  /** Copies, and encodes around boundaries; undefined where that isn't possible. */
  stitch: Making | undefined;
  /** Best first. */
  encodings: readonly Encoding[];
  /** Copies the segments before `end` as they are: nothing in them can be decoded. */
  copy: (end: number) => Making;
  /** Call it when stitching a segment failed: whether that may succeed with fewer anchors. */
  withFewerAnchors: (segment: number) => boolean;
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Where reading begins for it. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  /** Where reading begins for a later segment. Default: at the start of the source. */
  seekTo?: (segment: number) => Promise<SeekPoint | undefined>;
  signal: AbortSignal;
  log: Pick<Log, "info" | "warn">;
};

/**
 * Segments that are made in another way than those behind them, where that takes a reading from the
 * start.
 */
const MAX_RESTARTS = 3;

type Cutting = CutWays & {
  /** Counts a failed segment. Whether to go on in the better way behind it. */
  goesOnBehind: (segment: number) => Promise<boolean>;
};

/**
 * Makes each segment in the best way that works. Where a segment can't be stitched, that one is
 * encoded, and stitching goes on behind it: damage stays local, and how a segment is made doesn't
 * depend on where the cut began. Where nothing but the start of the source can be sought, that holds
 * for a few segments: behind them all are encoded in one reading. Yields the segments in order; the
 * caller owns their files. Throws the last way's failure.
 */
export async function* cutWithFallbacks(options: CutWays): AsyncGenerator<MadeSegment> {
  const { stitch, last, signal, log } = options;
  const restarts = new Set<number>();
  const ways: Cutting = {
    ...options,
    goesOnBehind: async (segment) => {
      if (segment < last && (await options.seekTo?.(segment + 1)) === undefined) restarts.add(segment);
      return restarts.size <= MAX_RESTARTS;
    },
  };
  let next = ways.from;
  if (stitch === undefined) return yield* encodeFrom(ways, next, last);
  while (next <= last) {
    let reason: unknown;
    try {
      for await (const segment of fromSeekPoint(ways, stitch, next, last)) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      // Another way helps only against a failure that the file causes.
      if (!isCausedByFile(error)) throw error;
      reason = error;
    }
    const mayBeStitched = isAboutSegment(reason) && !(reason instanceof UnstitchableError);
    if (mayBeStitched && ways.withFewerAnchors(next)) {
      log.warn("Stitching with fewer anchors", { from_segment: next, since: String(reason) });
      continue;
    }
    const since = `stitch: ${String(reason)}`;
    log.warn(`Falling back to re-encoding (${ways.encodings[0]?.codec})`, { from_segment: next, since });
    const failed = next;
    if (!isAboutSegment(reason) || !(await ways.goesOnBehind(failed))) return yield* encodeFrom(ways, failed, last);
    for await (const segment of encodeFrom(ways, failed, failed)) {
      next = segment.index + 1;
      yield segment;
    }
    if (next === failed) return;
    if (next <= last) log.info("Stitching again", { from_segment: next });
  }
}

/**
 * Encodes in the first way that works, from `best` on, and copies what can't be decoded. Ends early
 * where that can't be copied either.
 */
async function* encodeFrom(ways: Cutting, from: number, last: number, best = 0): AsyncGenerator<MadeSegment> {
  const { encodings, signal, log } = ways;
  let next = from;
  for (let at = best; next <= last; ) {
    const { make, startOf } = encodings[at]!;
    try {
      for await (const segment of fromSeekPoint(ways, make, next, last, startOf(next))) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UndecodableSegmentsError) {
        // What is behind the last one hasn't been tried in a better way yet.
        const end = Math.min(error.end, last + 1);
        log.warn("Copying segments that can't be decoded", { from_segment: next, to_segment: end - 1 });
        for await (const segment of copied(ways, next, end)) {
          next = segment.index + 1;
          yield segment;
        }
        if (next < end) return;
        continue;
      }
      if (!isCausedByFile(error) || at + 1 === encodings.length) throw error;
      const since = `encode: ${String(error)}`;
      log.warn(`Falling back to re-encoding (${encodings[at + 1]!.codec})`, { from_segment: next, since });
      const failed = next;
      if (!isAboutSegment(error) || !(await ways.goesOnBehind(failed))) {
        at += 1;
        continue;
      }
      for await (const segment of encodeFrom(ways, failed, failed, at + 1)) {
        next = segment.index + 1;
        yield segment;
      }
      if (next === failed) return;
    }
  }
}

/** Copies segments as they are, as far as that's possible. */
async function* copied(ways: CutWays, from: number, end: number): AsyncGenerator<MadeSegment> {
  const { copy, signal, log } = ways;
  try {
    for await (const segment of fromSeekPoint(ways, copy(end), from, ways.last)) {
      yield segment;
      if (segment.index + 1 === end) return;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!isCausedByFile(error)) throw error;
    log.warn("Ending the cut: a segment can't be decoded or copied", { since: String(error) });
  }
}

/**
 * Reads from the seek point of segment `begin`; without one, or when that fails, from the start of
 * the source.
 */
async function* fromSeekPoint(
  ways: CutWays,
  making: Making,
  from: number,
  last: number,
  begin = from,
): AsyncGenerator<MadeSegment> {
  const { signal, log } = ways;
  const seek = begin === ways.from ? ways.seek : await ways.seekTo?.(begin);
  let next = from;
  if (seek !== undefined) {
    try {
      for await (const segment of making({ from, last, seek })) {
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
  yield* making({ from: next, last, seek: undefined });
}
