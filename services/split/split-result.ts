import { RejectedVideo } from "../video/errors.ts";
import type { Result } from "../video/event-data.ts";
import type { Delivery } from "./deliver-segments.ts";
import { largestAudioGap, largestDeviation, MAX_AUDIO_GAP_SECONDS, proofOf } from "./domain/proof.ts";
import { undecodableStretches } from "./domain/undecodable.ts";
import type { SplitPlan } from "./plan-cut.ts";
import type { ScannedSource } from "./ports/saved-indexes.ts";

/**
 * The result of a split, from the measurements of all of its segments. `duration`: seconds. Throws
 * `RejectedVideo` when the proof fails.
 */
export function resultOf(
  plan: SplitPlan,
  { proofs, undecodableFrom }: Delivery,
  { index, truncated }: ScannedSource,
): Result & { duration: number } {
  const [first, last] = [proofs[0], proofs.at(-1)];
  if (first === undefined || last === undefined) {
    throw new RejectedVideo(
      "UnreadableMedia",
      "No frame of the video can be decoded. Check that the upload is complete.",
    );
  }
  const isWhole = undecodableFrom === undefined;
  const duration = last.end - first.start;
  const frames = proofs.reduce((sum, proof) => sum + proof.frames, 0);
  const held = proofs.reduce((sum, { undecodable }) => sum + undecodable, frames);
  const hidden = proofs.reduce((sum, { hiddenPackets = 0 }) => sum + hiddenPackets, 0);
  const counted = plan.isCountedByPackets ? plan.frames + plan.undecodable - hidden : frames;
  if (plan.cut.kind === "keyframe" && plan.isCountedByPackets && isWhole && held !== counted) {
    throw new RejectedVideo(
      "ProofFailed",
      `The segments hold ${held} frames and the video ${counted}. Request the cut "exact", which encodes what can't be copied.`,
    );
  }
  const gap = largestAudioGap(proofs);
  if (gap !== undefined && gap > MAX_AUDIO_GAP_SECONDS) {
    const milliseconds = Math.round(gap * 1_000);
    throw new RejectedVideo("ProofFailed", `The audio has a gap of ${milliseconds} ms that the source doesn't have.`);
  }
  const boundaries = proofs.map(({ start }, at) => ({ requestedStart: plan.segments[at]!.requestedStart, start }));
  return {
    segments: proofs.length,
    duration,
    frames,
    proof: proofOf(proofs, Math.max(counted, frames), largestDeviation(boundaries, index, plan.origin)),
    truncatedAt: truncated || !isWhole ? duration : undefined,
    undecodable: undecodableStretches(proofs, index, plan.origin),
  };
}
