import { type Kill, killAt, NO_FAULTS, type Schedule, scheduleOf } from "../../infra/local/faults/index.ts";

/** What breaks in which run. */
export type Plan =
  | { kind: "calm" }
  | { kind: "seeded"; seed: number }
  /** One function is killed once. Of so many videos, which the runs take in turn, each meets each kill at each of its requests. */
  | { kind: "kills"; videos: number };

const KILLS: readonly Kill[] = ["function killed before a request", "function killed after a request"];

export function scheduleFor(plan: Plan, run: number): Schedule {
  switch (plan.kind) {
    case "calm":
      return NO_FAULTS;
    case "seeded":
      return scheduleOf(plan.seed, run);
    case "kills": {
      const turn = Math.floor(run / plan.videos);
      return killAt(KILLS[turn % KILLS.length]!, Math.floor(turn / KILLS.length));
    }
  }
}
