import {
  NO_FAULTS,
  oneFault,
  type RequestFault,
  type Schedule,
  scheduleOf,
} from "../../infra/emulator/faults/index.ts";
import { VIDEOS } from "./videos.ts";

/** Sets of runs that have one fault each, at one request: nothing is left to chance. */
export const SERIES = {
  /** A function is killed, before or after each of all requests. */
  kills: {
    faults: ["function killed before a request", "function killed after a request"],
    /** Requests of the video that makes most, and some. */
    positions: 60,
  },
  /** At each GET of the source it fails, stalls or is changed, or the process that reads it is killed. */
  sources: {
    faults: ["S3 fails in mid-read", "S3 object overwritten", "S3 object deleted", "ffmpeg killed", "S3 body stalls"],
    positions: 12,
  },
  /** Each write of the projector is overtaken by the run's other events. */
  writes: { faults: ["DynamoDB write overtaken"], positions: 6, from: "projector" },
} as const satisfies Record<string, { faults: readonly RequestFault[]; positions: number; from?: string }>;

export type SeriesName = keyof typeof SERIES;

export const seriesNames = Object.keys(SERIES) as SeriesName[];

/** What breaks in which run. */
export type Plan = { kind: "calm" } | { kind: "seeded"; seed: number } | { kind: "series"; series: SeriesName };

/** Runs of a series: those with this fault, in these videos, at these positions. Default: all. */
export function runsOf(
  series: SeriesName,
  chosen: { fault?: RequestFault; video?: number; positions?: readonly number[] } = {},
): number[] {
  const { faults, positions }: { faults: readonly RequestFault[]; positions: number } = SERIES[series];
  const { fault, video, positions: at = [...Array(positions).keys()] } = chosen;
  return at.flatMap((position) =>
    faults.flatMap((each, index) =>
      VIDEOS.flatMap((_, of) =>
        (fault ?? each) === each && (video ?? of) === of
          ? [of + VIDEOS.length * (index + faults.length * position)]
          : [],
      ),
    ),
  );
}

export function scheduleFor(plan: Plan, run: number): Schedule {
  switch (plan.kind) {
    case "calm":
      return NO_FAULTS;
    case "seeded":
      return scheduleOf(plan.seed, run);
    case "series": {
      const { faults, ...series } = SERIES[plan.series];
      const turn = Math.floor(run / VIDEOS.length);
      const fault = faults[turn % faults.length]!;
      return oneFault(fault, Math.floor(turn / faults.length), "from" in series ? series.from : undefined);
    }
  }
}
