import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RequestFault } from "../../infra/emulator/faults/index.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { type ChaosOptions, chaos, type Prepared, prepare } from "../chaos/chaos.ts";
import { runsOf, type SeriesName } from "../chaos/plan.ts";

/** A few of what `npx video-split chaos` does, whose runs have the same numbers. */

/** Of the video with most segments. */
const KILLED = 1;

let folder = "";
let all: Promise<Prepared> | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** All videos, made when the first test needs them; one of them doesn't wait for the others. */
function prepareAll(): Promise<Prepared> {
  all ??= prepare(folder, PROJECT_ROOT);
  return all;
}

const prepareKilled = (): Promise<Prepared> => all ?? prepare(folder, PROJECT_ROOT, [KILLED]);

const attack = async (options: Pick<ChaosOptions, "runs" | "plan">, prepared: Promise<Prepared>) =>
  chaos({ ...options, root: PROJECT_ROOT, prepared: await prepared, onProgress: () => {} });

const runsAt = (series: SeriesName, fault: RequestFault, video: number, ...positions: number[]): number[] =>
  runsOf(series, { fault, video, positions });

const SEEDED = 12;

it(`${SEEDED} splits under faults end as one without: documents, objects, and what events say`, {
  tags: "full",
}, async () => {
  const { wrong, faults } = await attack(
    { runs: [...Array(SEEDED).keys()], plan: { kind: "seeded", seed: 73 } },
    prepareAll(),
  );
  expect(wrong).toEqual([]);
  expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(SEEDED);
});

describe("given one fault in each split, then there is no dead letter, and only segments in flight are stored again", () => {
  const KILLS: { tags: string[]; kinds: RequestFault[]; runs: number[] }[] = [
    {
      tags: [],
      kinds: ["function killed after a request"],
      runs: runsAt("kills", "function killed after a request", KILLED, 38),
    },
    {
      tags: ["full"],
      kinds: ["function killed before a request", "function killed after a request"],
      runs: [
        ...runsAt("kills", "function killed before a request", KILLED, 0, 11, 22, 33, 44),
        ...runsAt("kills", "function killed after a request", KILLED, 5, 16, 27, 49),
      ],
    },
  ];

  for (const { tags, kinds, runs } of KILLS)
    it(`splits whose function is killed at ${runs.length} requests end as one without`, { tags }, async () => {
      const plan = { kind: "series", series: "kills" } as const;
      const { wrong, faults, deadLetters } = await attack({ runs, plan }, prepareKilled());
      expect(wrong).toEqual([]);
      // A request that its client drops meanwhile, as the reader of a header does, leads to no process.
      for (const kill of kinds) expect(faults[kill], kill).toBeGreaterThan(0);
      expect(deadLetters).toBe(0);
    });

  /** At the last reads of each container: nine GETs fetch a video of this size. */
  const SOURCES = [
    ...runsAt("sources", "S3 fails in mid-read", 0, 5),
    ...runsAt("sources", "S3 fails in mid-read", 2, 6),
    ...runsAt("sources", "S3 fails in mid-read", 3, 7),
    ...runsAt("sources", "S3 object overwritten", 0, 6),
    ...runsAt("sources", "S3 object overwritten", 3, 7),
    ...runsAt("sources", "S3 object deleted", 2, 7),
    ...runsAt("sources", "ffmpeg killed", 0, 6),
    ...runsAt("sources", "ffmpeg killed", 3, 7),
    ...runsAt("sources", "S3 body stalls", 3, 6),
  ];

  it(`${SOURCES.length} splits whose source fails, changes or stalls end as one without, or rejected for the change`, {
    tags: "full",
  }, async () => {
    const { wrong, faults, deadLetters } = await attack(
      { runs: SOURCES, plan: { kind: "series", series: "sources" } },
      prepareAll(),
    );
    expect(wrong).toEqual([]);
    for (const kind of SOURCE_FAULTS) expect(faults[kind], kind).toBeGreaterThan(0);
    expect(deadLetters).toBe(0);
  });
});

const SOURCE_FAULTS = [
  "S3 fails in mid-read",
  "S3 object overwritten",
  "S3 object deleted",
  "ffmpeg killed",
  "S3 body stalls",
] as const;
