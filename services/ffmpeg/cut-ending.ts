import type { CutEnding, CutJob, MadeSegment, PlannedCut } from "../split/ports/media-tools.ts";
import { isCutFailure, isMediaFault, RejectedVideo } from "../video/errors.ts";
import { isOfTheFile } from "./process/errors.ts";

/** Of a segment in the plan; `frames` is undefined where packets aren't frames. */
type Planned = { start: number; end: number; frames: number | undefined };

function plannedSegments(cut: PlannedCut): readonly Planned[] {
  if (cut.kind === "keyframe") return cut.segments;
  if (cut.plan.jobs === undefined) return cut.plan.segments.map((segment) => ({ ...segment, frames: undefined }));
  return cut.plan.segments.map(({ ranks, ...segment }) => ({ ...segment, frames: ranks.to - ranks.from }));
}

/** Frames that a decoder may keep to itself at the end of a stream. */
const MAX_KEPT_FRAMES = 2;

/** Whether a segment lacks frames at its end: where it's the last one, the source can't be decoded to its end. */
function endsEarly({ proof }: MadeSegment, planned: Planned | undefined): boolean {
  if (planned === undefined || (planned.frames !== undefined && proof.frames + proof.undecodable >= planned.frames))
    return false;
  const frame = (proof.end - proof.start) / proof.frames;
  return planned.end - proof.end > (MAX_KEPT_FRAMES + 0.5) * frame;
}

/**
 * Cuts, and says how it ended: a source that couldn't be fetched is never taken for one that can't
 * be decoded. `failed` is aborted by the source's failure, before ffmpeg can see it. Throws
 * `RejectedVideo` (LimitExceeded), and what is the machine's fault.
 */
export async function* cutToAnEnding(
  failed: AbortSignal,
  job: CutJob,
  cutting: AsyncGenerator<MadeSegment>,
): AsyncGenerator<MadeSegment, CutEnding, undefined> {
  const planned = plannedSegments(job.cut);
  let next = job.from;
  let readable = planned[job.from]?.start ?? 0;
  let isShort = false;
  try {
    for await (const segment of cutting) {
      // ffmpeg takes a failing source for the end of the file.
      failed.throwIfAborted();
      next = segment.index + 1;
      readable = segment.proof.end;
      isShort = endsEarly(segment, planned[segment.index]);
      yield segment;
    }
    failed.throwIfAborted();
    const isWhole = next === planned.length && !isShort;
    return isWhole ? { type: "complete" } : { type: "undecodable", from: readable };
  } catch (error) {
    job.signal.throwIfAborted();
    if (failed.reason instanceof RejectedVideo) throw failed.reason;
    if (failed.aborted) return { type: "not fetched", error: failed.reason };
    if (!isOfTheFile(error)) throw error;
    if (isMediaFault(error))
      return { type: "impossible", reason: "UnreadableMedia", detail: error.stderr || "no message", cause: error };
    if (isCutFailure(error)) return { type: "impossible", reason: error.reason, detail: error.message, cause: error };
    throw error;
  }
}
