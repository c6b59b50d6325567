import { rm } from "node:fs/promises";
import type { CutEnding, CutJob, MadeSegment, PlannedCut } from "../split/ports/media-tools.ts";
import { isCutFailure, isMediaFault, RejectedVideo } from "../video/errors.ts";
import { isCausedByFile } from "./process/errors.ts";

/** A planned segment; `frames` is undefined when packets aren't frames. */
type PlannedRange = { start: number; end: number; frames: number | undefined };

function plannedSegments(cut: PlannedCut): readonly PlannedRange[] {
  if (cut.kind === "keyframe") return cut.segments;
  if (cut.plan.jobs === undefined) return cut.plan.segments.map((segment) => ({ ...segment, frames: undefined }));
  return cut.plan.segments.map(({ ranks, ...segment }) => ({ ...segment, frames: ranks.to - ranks.from }));
}

/** Frames that a decoder may not return at the end of a stream. */
const MAX_UNRETURNED_FRAMES = 2;

/**
 * Whether frames are missing at a segment's end. When it's the last segment, the source can't be
 * decoded to its end.
 */
function endsEarly({ proof }: MadeSegment, planned: PlannedRange | undefined): boolean {
  if (planned === undefined || (planned.frames !== undefined && proof.frames + proof.undecodable >= planned.frames))
    return false;
  const frame = (proof.end - proof.start) / proof.frames;
  return planned.end - proof.end > (MAX_UNRETURNED_FRAMES + 0.5) * frame;
}

/** Times of containers are rounded to milliseconds. */
const SAME_SECONDS = 0.002;

/** Whether damage of the source reaches to a segment's end. */
const endsUndecodable = ({ proof }: MadeSegment, planned: PlannedRange | undefined): boolean =>
  planned !== undefined && (proof.stretches?.at(-1)?.to ?? 0) > planned.end - SAME_SECONDS;

/**
 * Yields the segments of `cutting` and returns how the cut ended: complete, not fetched,
 * undecodable, or impossible. `failed` is aborted when the source can't be fetched, before ffmpeg
 * sees the end of its input. Throws `RejectedVideo` (LimitExceeded) and failures of the machine.
 */
export async function* cutWithEnding(
  failed: AbortSignal,
  job: CutJob,
  cutting: AsyncGenerator<MadeSegment>,
): AsyncGenerator<MadeSegment, CutEnding, undefined> {
  const planned = plannedSegments(job.cut);
  let next = job.from;
  let readableUntil = planned[job.from]?.start ?? 0;
  let isShort = false;
  const undecodable = new UndecodableSegments();
  try {
    for await (const segment of cutting) {
      // ffmpeg takes a failing source for the end of the file.
      failed.throwIfAborted();
      next = segment.index + 1;
      if (segment.proof.frames === 0) {
        yield* undecodable.add(segment);
        continue;
      }
      yield* undecodable.take();
      readableUntil = segment.proof.end;
      isShort = endsEarly(segment, planned[segment.index]) || endsUndecodable(segment, planned[segment.index]);
      yield segment;
    }
    failed.throwIfAborted();
    const isAtEnd = next === planned.length;
    // Later ones may be decodable.
    if (!isAtEnd) yield* undecodable.take();
    if (undecodable.isLast) return { type: "undecodable", from: readableUntil };
    // Frames that are missing within the video are counted by the proof: later ones were read.
    const isWhole = next === job.last + 1 && !(isAtEnd && isShort);
    return isWhole ? { type: "complete" } : { type: "undecodable", from: readableUntil };
  } catch (error) {
    job.signal.throwIfAborted();
    if (failed.reason instanceof RejectedVideo) throw failed.reason;
    if (failed.aborted) return { type: "not fetched", error: failed.reason };
    if (!isCausedByFile(error)) throw error;
    if (isMediaFault(error))
      return { type: "impossible", reason: "UnreadableMedia", detail: error.stderr || "no message", cause: error };
    if (isCutFailure(error)) return { type: "impossible", reason: error.reason, detail: error.message, cause: error };
    throw error;
  } finally {
    await undecodable.remove();
  }
}

/** Bytes of undecodable segments that wait on disk for one that can be decoded. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/**
 * Segments in which nothing can be decoded. They are yielded when a later one can be: at the
 * source's end they are none.
 */
class UndecodableSegments {
  #waiting: MadeSegment[] = [];
  /** Whether the last segment was one of them. */
  isLast = false;

  /** Adds the next one. Yields all when they take too much room to wait. */
  *add(segment: MadeSegment): Generator<MadeSegment> {
    this.#waiting.push(segment);
    if (this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_WAITING_BYTES) yield* this.take();
    this.isLast = true;
  }

  /** Yields them: a later one can be decoded. */
  *take(): Generator<MadeSegment> {
    this.isLast = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    yield* waiting;
  }

  /** Removes the files of those that weren't yielded. */
  async remove(): Promise<void> {
    await Promise.all(this.#waiting.map(({ path }) => rm(path, { force: true })));
  }
}
