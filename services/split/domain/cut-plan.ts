import { MAX_SEGMENTS } from "#events-schema";
import { MIN_TAIL_SECONDS } from "../../video/segment-length.ts";

/**
 * A video packet in decode order, as far as planning needs it. A packet holds one frame in every
 * container that is accepted.
 */
export type PlannedPacket = {
  /**
   * Presentation time in seconds on the source's own clock, discontinuities of broadcast streams
   * closed.
   */
  time: number;
  /** Seconds; undefined where the container doesn't say. */
  duration: number | undefined;
  /** A decoder can start here. */
  key: boolean;
  /** False: it's decoded and not shown (an edit list hides it). Default: true. */
  shown?: boolean;
  /**
   * Which of the track's sample descriptions it needs, if it has several: decoders are initialised
   * again for each. Default: 0.
   */
  description?: number;
  /** The source's clock jumps before it; its time is as if it hadn't. Default: false. */
  jumps?: boolean;
  /** Where it's stored in the source, in bytes. Default: unknown. */
  position?: number | undefined;
};

export type PlannedSegment = {
  index: number;
  /** Ordinal of its first frame in decode order. */
  firstFrame: number;
  frames: number;
  /**
   * When `firstFrame` is shown: seconds from the first video frame. Frames that follow it may be
   * shown before.
   */
  firstFrameTime: number;
  /** The requested time: k times the segment length, from the first video frame. */
  requestedStart: number;
  requestedEnd: number;
  /** The result of planning a cut on keyframes. */
  start: number;
  end: number;
};

export type CutPlan = {
  /** At most MAX_SEGMENTS + 1: enough to know that there are too many. */
  segments: PlannedSegment[];
  frames: number;
  /**
   * Of these, before the first keyframe, where that isn't the first packet: no decoder shows them.
   */
  leading: number;
  /** Seconds from the first video frame to the end of the last. */
  duration: number;
  /** Presentation time of the first frame, on the source's clock. */
  origin: number;
};

/**
 * Matroska, FLV and others keep milliseconds: a keyframe on the boundary may be stored a
 * millisecond before it.
 */
const CLOCK_TOLERANCE_SECONDS = 0.001;

type Stretch = {
  firstFrame: number;
  /** On the source's clock. */
  firstFrameTime: number;
  frames: number;
  window: number;
  first: number;
  last: number;
};

/**
 * Plans a cut on keyframes from the packets of the video in decode order, one at a time: memory
 * grows with the segments and not with the frames. The boundary k·X moves to the first keyframe at
 * or after it, so a window without a keyframe makes no segment.
 */
export function keyframePlanner(segmentSeconds: number) {
  const stretches: Stretch[] = [];
  let origin = Number.POSITIVE_INFINITY;
  let frames = 0;
  let firstKey: number | undefined;
  let leading = 0;
  let lastDuration: number | undefined;
  let lastTime = Number.NEGATIVE_INFINITY;
  let current: Stretch | undefined;

  const window = (time: number): number => Math.floor((time - origin + CLOCK_TOLERANCE_SECONDS) / segmentSeconds);

  return {
    add({ time, duration, key }: PlannedPacket): void {
      // What comes before the first keyframe is copied, and can't be decoded: time starts at that
      // keyframe. Where it's the first packet, a frame that is shown before it, until the second
      // keyframe, sets the start of time.
      if (key && firstKey === undefined) {
        firstKey = frames;
        origin = time;
      } else if (firstKey === undefined || (firstKey === 0 && stretches.length <= 1 && !key))
        origin = Math.min(origin, time);
      const opens = current === undefined || (key && window(time) > current.window);
      if (opens && stretches.length <= MAX_SEGMENTS) {
        const opened = { firstFrame: frames, firstFrameTime: time, frames: 1, first: time, last: time };
        current = { ...opened, window: current ? window(time) : 0 };
        stretches.push(current);
      } else if (current !== undefined) {
        current.frames += 1;
        current.first = Math.min(current.first, time);
        current.last = Math.max(current.last, time);
      }
      if (firstKey !== 0 && (firstKey === undefined || time < origin)) leading += 1;
      if (time > lastTime) {
        lastTime = time;
        lastDuration = duration;
      }
      frames += 1;
    },

    /**
     * The plan, or undefined if there was no frame. `fallbackFps` gives a single frame its length.
     */
    finish(fallbackFps: number): CutPlan | undefined {
      if (stretches.length === 0) return undefined;
      const meanDuration = frames > 1 && lastTime > origin ? (lastTime - origin) / (frames - 1) : 1 / fallbackFps;
      const duration = lastTime - origin + (lastDuration ?? meanDuration);
      const kept = withoutShortTail(stretches, origin + duration);
      return {
        segments: toSegments(kept, { segmentSeconds, origin, duration }),
        frames,
        leading: firstKey === undefined ? 0 : leading,
        duration,
        origin,
      };
    },
  };
}

function withoutShortTail(stretches: Stretch[], end: number): Stretch[] {
  const tail = stretches.at(-1);
  const before = stretches.at(-2);
  if (tail === undefined || before === undefined || stretches.length > MAX_SEGMENTS) return stretches;
  if (end - tail.first >= MIN_TAIL_SECONDS) return stretches;
  const joined = { ...before, frames: before.frames + tail.frames, last: Math.max(before.last, tail.last) };
  return [...stretches.slice(0, -2), joined];
}

type Timeline = { segmentSeconds: number; origin: number; duration: number };

function toSegments(stretches: Stretch[], { segmentSeconds, origin, duration }: Timeline): PlannedSegment[] {
  return stretches.map(({ firstFrame, firstFrameTime, frames, window, first }, index) => {
    const next = stretches[index + 1];
    return {
      index,
      firstFrame,
      frames,
      firstFrameTime: firstFrameTime - origin,
      requestedStart: window * segmentSeconds,
      requestedEnd: next === undefined ? duration : (window + 1) * segmentSeconds,
      start: Math.max(0, first - origin),
      end: next === undefined ? duration : next.first - origin,
    };
  });
}
