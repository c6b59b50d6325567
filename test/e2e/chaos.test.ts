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
