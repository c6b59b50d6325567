import { MAX_SEGMENTS } from "#events-schema";
import { limitExceeded, RejectedVideo } from "../video/errors.ts";
import { MAX_FRAME_RATE, MIN_RATED_FRAMES } from "./domain/budget.ts";
import { keyframePlanner } from "./domain/cut-plan.ts";
import { planExactCut, planWindows } from "./domain/exact-plan.ts";
import type { ExactPlan, WindowPlan } from "./domain/exact-segment.ts";
import type { PacketIndex } from "./domain/packet-index.ts";
import type { CutChoice } from "./ports/ledger.ts";
import type { PlannedCut, VideoTrack } from "./ports/media-tools.ts";

/** The frame rate for the length of a single frame in a file whose header has none. */
const FALLBACK_FPS = 25;

/** The planned result of a split, whichever cut makes it. */
export type SplitPlan = {
  cut: PlannedCut;
  segments: readonly { index: number; requestedStart: number; requestedEnd: number; start: number; end: number }[];
  /** Frames of the source that a decoder can show. */
  frames: number;
  /** Frames that no decoder can show: they refer to frames before the file's first keyframe. */
  undecodable: number;
  /** Whether each packet is one frame. If not, decoded frames are counted. */
  isCountedByPackets: boolean;
  /** Seconds from the first video frame to the end of the last. */
  duration: number;
  /** Presentation time of the first frame, on the source's clock. */
  origin: number;
};

/**
 * Plans the chosen cut. The same packets always give the same plan. Throws `RejectedVideo` if there
 * is nothing to cut, or a limit is exceeded.
 */
export function planCut(
  index: PacketIndex,
  choice: CutChoice,
  { averageFps, isInterlaced = false }: Pick<VideoTrack, "averageFps" | "isInterlaced">,
): SplitPlan {
  const { segmentSeconds } = choice;
  const fps = averageFps ?? FALLBACK_FPS;
  const areFields = isInterlaced && holdsFields(index, averageFps);
  const found =
    choice.cut === "exact"
      ? exactPlan(index, segmentSeconds, fps, areFields)
      : keyframePlan(index, segmentSeconds, fps);
  const plan = found && areFields ? byFrames(found, fps) : found;
  if (plan === undefined) {
    throw new RejectedVideo("UnreadableMedia", "The file's header has a video track, but the file has no frame of it.");
  }
  if (index.count > MIN_RATED_FRAMES && index.count / plan.duration > MAX_FRAME_RATE) {
    const rate = `The video has ${index.count} frames in ${plan.duration.toFixed(1)} seconds, and at most ${MAX_FRAME_RATE} a second are split`;
    throw limitExceeded(
      `${rate}. Convert it to a usual frame rate: "ffmpeg -i VIDEO -r 60 CONVERTED", and upload that.`,
    );
  }
  if (plan.segments.length > MAX_SEGMENTS) {
    const many = `At ${segmentSeconds} seconds a segment there would be more than ${MAX_SEGMENTS} segments`;
    throw new RejectedVideo("TooManySegments", `${many}. Request longer segments with x-amz-meta-segment-seconds.`);
  }
  return plan;
}

/** Packets that can't be copied with their neighbours are encoded, as in the exact cut. */
function keyframePlan(index: PacketIndex, segmentSeconds: number, fps: number): SplitPlan | undefined {
  if (index.changesDescription || index.hidesPackets) {
    const exact = planExactCut(index, segmentSeconds, fps, "keyframes");
    if (exact !== undefined) return exactly(exact, index, segmentSeconds);
  }
  const planner = keyframePlanner(segmentSeconds);
  index.forEach(planner.add);
  const plan = planner.finish(fps);
  if (plan === undefined) return undefined;
  const counts = { frames: plan.frames - plan.leading, undecodable: plan.leading, isCountedByPackets: true };
  return { ...plan, cut: { kind: "keyframe", ...plan, index }, ...counts };
}

/**
 * If there are this many times more packets than frames a second, packets are fields: an interlaced
 * stream may contain both.
 */
const MIN_FIELD_RATE = 1.2;

/**
 * Whether packets of an interlaced video hold fields and not frames: there are more packets than
 * frames.
 */
function holdsFields(index: PacketIndex, averageFps: number | undefined): boolean {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let packet = 0; packet < index.count; packet += 1) {
    first = Math.min(first, index.time(packet));
    last = Math.max(last, index.time(packet));
  }
  return averageFps !== undefined && (index.count - 1) / (last - first) > MIN_FIELD_RATE * averageFps;
}

/** If packets are fields, decoded frames are counted. */
const byFrames = (plan: SplitPlan, fps: number): SplitPlan => ({
  ...plan,
  frames: Math.max(1, Math.round(plan.duration * fps)),
  undecodable: 0,
  isCountedByPackets: false,
});

/** The times of fields aren't reliable. */
function exactPlan(index: PacketIndex, segmentSeconds: number, fps: number, areFields: boolean): SplitPlan | undefined {
  const exact = areFields ? undefined : planExactCut(index, segmentSeconds, fps);
  const plan = exact ?? planWindows(index, segmentSeconds, fps);
  return plan && exactly(plan, index, segmentSeconds);
}

function exactly(plan: ExactPlan | WindowPlan, index: PacketIndex, segmentSeconds: number): SplitPlan {
  const { segments, frames, undecodable, duration, origin } = plan;
  const cut: PlannedCut = { kind: "exact", plan, index, segmentSeconds };
  return { cut, segments, frames, undecodable, duration, origin, isCountedByPackets: plan.jobs !== undefined };
}
