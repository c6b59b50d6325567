import type { Keyframes } from "../../api/types.ts";
import { plural } from "./format.ts";

/** From this many seconds on, a distance is written in seconds. */
const MIN_IN_SECONDS = 1;

const formatDistance = (seconds: number): string =>
  seconds >= MIN_IN_SECONDS ? `${seconds.toFixed(1)} s` : `${Math.round(seconds * 1_000)} ms`;

/** "6 keyframes, every 1.0 s on average", or why there are none. `duration` in seconds. */
export function describeKeyframes(keyframes: Keyframes, duration: number): string {
  if (!keyframes.known) return `keyframes aren't shown: ${keyframes.why}`;
  const { count } = keyframes;
  const distance = count > 1 ? `, every ${formatDistance(duration / count)} on average` : "";
  return `${plural(count, "keyframe")}${distance}`;
}

/** The columns of a timeline of `width` columns that have a keyframe, each once. */
export function keyframeColumns(keyframes: Keyframes, duration: number, width: number): number[] {
  if (!keyframes.known || duration <= 0) return [];
  const columns = keyframes.times.map((time) => Math.round((time / duration) * width));
  return [...new Set(columns)].filter((column) => column < width);
}
