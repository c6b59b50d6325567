import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { type ChaosOptions, chaos, type Prepared, prepare } from "../chaos/chaos.ts";
import { SERIES, type SeriesName } from "../chaos/plan.ts";
import { VIDEOS } from "../chaos/videos.ts";

let folder = "";
let prepared: Prepared;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
  prepared = await prepare(folder, PROJECT_ROOT);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const attack = (options: Pick<ChaosOptions, "runs" | "plan">) =>
  chaos({ ...options, root: PROJECT_ROOT, prepared, onProgress: () => {} });

/** Runs of a series: of this fault and this video, at these positions. */
function runsAt(series: SeriesName, fault: number, video: number, positions: readonly number[]): number[] {
  const { length } = SERIES[series].faults;
  return positions.map((at) => video + VIDEOS.length * (fault + length * at));
}

/** A few of what `npm run chaos -- --runs 1000` does. */
const RUNS = 20;

it(`${RUNS} splits under faults end as one without: documents, objects and ids of events`, async () => {
  const { wrong, faults } = await attack({ runs: [...Array(RUNS).keys()], plan: { kind: "seeded", seed: 7 } });
  expect(wrong).toEqual([]);
  expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(RUNS);
});

/** Of the video with most segments; `npm run chaos -- --kills` has all. */
const KILLS = [0, 1].flatMap((fault) => runsAt("kills", fault, 1, [0, 4, 8, 12, 16, 20, 24, 28]));

it(`${KILLS.length} splits whose function is killed once end so too, with no dead letter, and store nothing again but what was in flight`, async () => {
  const { wrong, faults, deadLetters } = await attack({ runs: KILLS, plan: { kind: "series", series: "kills" } });
  expect(wrong).toEqual([]);
  // A video that is rejected early makes fewer requests than there are kills.
  for (const kill of ["function killed before a request", "function killed after a request"] as const)
    expect(faults[kill]).toBeGreaterThanOrEqual(6);
  expect(deadLetters).toBe(0);
});
