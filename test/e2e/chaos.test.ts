import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { chaos } from "../chaos/chaos.ts";

/** A few of what `npm run chaos -- --runs 1000` does. */
const RUNS = 24;

it(`${RUNS} splits under faults end as one without: documents, objects and ids of events`, async () => {
  const runs = [...Array(RUNS).keys()];
  const { wrong, faults } = await chaos({ runs, schedules: { seed: 7 }, root: PROJECT_ROOT, onProgress: () => {} });
  expect(wrong).toEqual([]);
  expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(RUNS);
});

/** Of the video with most segments; `npm run chaos -- --kills` has all. */
const KILLS = [...Array(16).keys()].map((turn) => 4 * turn + 1);

it(`${KILLS.length} splits whose function is killed once end so too, with no dead letter, and store nothing again but what was in flight`, async () => {
  const { wrong, faults, deadLetters } = await chaos({
    ...{ runs: KILLS, schedules: "kills", root: PROJECT_ROOT },
    onProgress: () => {},
  });
  expect(wrong).toEqual([]);
  expect(faults).toMatchObject({ "function killed before a request": 8, "function killed after a request": 8 });
  expect(deadLetters).toBe(0);
});
