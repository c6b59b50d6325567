import type { PacketIndex } from "./packet-index.ts";
import type { Stretch } from "./proof.ts";

/** Consecutive frames in presentation order, by their index: `from` included and `to` not. */
export type MissingRun = { from: number; to: number };

/**
 * The frames that aren't among the decoded ones. Both lists of times are ascending and use the same
 * clock.
 */
export function missingRuns(frames: readonly number[], decoded: readonly number[]): MissingRun[] {
  const isMissing = new Uint8Array(frames.length).fill(1);
  for (const time of decoded) isMissing[nearest(frames, time)] = 0;
  const runs: MissingRun[] = [];
  for (let from = isMissing.indexOf(1); from !== -1; from = isMissing.indexOf(1, runs.at(-1)!.to)) {
    const end = isMissing.indexOf(0, from);
    runs.push({ from, to: end === -1 ? frames.length : end });
  }
  return runs;
}

/** Index of the closest of these ascending times. */
export function nearest(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((times[middle]! + times[middle + 1]!) / 2 < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A decoder may leave out this many frames of an undamaged video: those that repeat the frame
 * before.
 */
const MAX_LEFT_OUT = 2;

/** The parts of a plan that are needed here. */
type PlannedFrames = {
  segments: readonly { ranks: { from: number; to: number }; end: number }[];
  packetOf: Int32Array;
  origin: number;
};

/** How many frames a segment has by the plan. A frame of two fields may count twice. */
export const framesIn = (segment: number, { segments }: Pick<PlannedFrames, "segments">): number =>
  segments[segment]!.ranks.to - segments[segment]!.ranks.from;

/**
 * Where the frames of a segment weren't decoded, in seconds from the video's first frame. `decoded`:
 * times of the decoded frames, in the same seconds.
 */
export function undecodedIn(
  segment: number,
  { segments, packetOf, origin }: PlannedFrames,
  index: PacketIndex,
  decoded: readonly number[],
): Stretch[] {
  const { ranks, end } = segments[segment]!;
  const times = Array.from(packetOf.subarray(ranks.from, ranks.to), (packet) => index.time(packet) - origin);
  return missingRuns(times, decoded).flatMap(({ from, to }) =>
    to - from > MAX_LEFT_OUT ? [{ from: times[from]!, to: times[to] ?? end }] : [],
  );
}
