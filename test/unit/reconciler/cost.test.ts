import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { passInterval, RUN_EVERY_MINUTES } from "../../../services/reconciler/domain/passes.ts";
import { HOUR, KilledError, openReconciler } from "./reconciler-setup.ts";

const OBJECTS = 100_000;
/** S3's. */
const PAGE_SIZE = 1_000;
const PAGES = OBJECTS / PAGE_SIZE;
/** One upload in each so many isn't split. */
const UNFINISHED_EVERY = 1_000;
const UNFINISHED = OBJECTS / UNFINISHED_EVERY;

const keyOf = (index: number): string => `uploads/${String(index).padStart(6, "0")}.mp4`;

/**
 * Uploads of the hours 12 to 22: at hour 24 all of them have reached the first age, and some the
 * second.
 */
const openLarge = () =>
  openReconciler({
    pageSize: PAGE_SIZE,
    objects: Array.from({ length: OBJECTS }, (_, index) => ({
      key: keyOf(index),
      uploadedAt: 12 * HOUR + Math.floor((index / OBJECTS) * 10 * HOUR),
    })),
    isSplit: (key) => Number(/\d+/.exec(key)) % UNFINISHED_EVERY !== 500,
  });

type End = "stopped" | "killed";

/** The LIST calls at which the runs of the first pass end, and how. */
const ENDS: [number, End][] = [
  [3, "stopped"],
  [18, "killed"],
  [19, "killed"],
  [60, "stopped"],
  [102, "killed"],
];

describe("a pass over 100,000 keys", () => {
  it("misses none if it is interrupted, and makes 100 LIST calls if it isn't", {
    tags: "full",
    timeout: 120_000,
  }, async () => {
    const opened = await openLarge();
    const { calls, events, setup } = opened;
    const runUntil = async (hour: number, lastCall: number, end: End) => {
      const leaving = new AbortController();
      setup.onPage = (listCalls) => {
        if (listCalls < lastCall) return;
        if (end === "killed") opened.kill();
        else leaving.abort(new Error("time is up"));
      };
      try {
        expect(await opened.at(hour, leaving.signal)).toMatchObject({ complete: false });
        return "stopped";
      } catch (error) {
        if (!(error instanceof KilledError)) throw error;
        return "killed";
      }
    };
    for (const [index, [lastCall, end]] of ENDS.entries())
      expect(await runUntil(24 + index / 4, lastCall, end)).toBe(end);
    setup.onPage = () => {};
    expect(await opened.at(25.25)).toMatchObject({ complete: true });
    // The page that a run ended in is listed again; nothing else is.
    const list = PAGES + ENDS.length;
    expect(calls).toEqual({ list, lookUps: OBJECTS, requestsRead: UNFINISHED, saves: PAGES });
    const requested = new Set(events.map(({ data }) => ("key" in data ? data.key : undefined)));
    const unfinished = Array.from({ length: UNFINISHED }, (_, index) => keyOf(index * UNFINISHED_EVERY + 500));
    expect(requested).toEqual(new Set(unfinished));
    expect(events).toHaveLength(UNFINISHED);

    // The pass before began at hour 24. Since then some reached their second age, 8 hours.
    const next = await opened.at(25.5);
    const hours = setup.objects.map(({ uploadedAt }) => uploadedAt / HOUR + 8);
    const lookedUp = hours.filter((hour) => hour > 24 && hour <= 25.5).length;
    expect(lookedUp).toBeGreaterThan(OBJECTS / 10);
    expect(next).toMatchObject({ seen: OBJECTS, lookedUp, complete: true });
    expect(calls).toMatchObject({ list: list + PAGES, lookUps: OBJECTS + lookedUp, saves: 2 * PAGES });
  });
});

/** Of us-east-1, in $, as in docs/deploy.md. */
const PRICES = { list: 0.005e-3, write: 0.625e-6, read: 0.125e-6, gigabyteSecond: 0.0000133334, invocation: 0.2e-6 };
/** Measured: 43 ms of a whole vCPU, of which 256 MB have a seventh; and the network. */
const PAGE_SECONDS = 0.5;
const MEMORY_GB = 0.25;
/** A run that has nothing to do. */
const EMPTY_RUN_SECONDS = 0.3;
const RUNS = (30 * 24 * 60) / RUN_EVERY_MINUTES;
/** A tenth of the objects is new each month. */
const NEW_SHARE = 0.1;
const LOOK_UPS = 5;

function monthOf(objects: number) {
  const pages = objects / PAGE_SIZE;
  const runsPerPass = Math.max(1, Math.ceil(passInterval(pages) / (RUN_EVERY_MINUTES * 60)));
  const passes = RUNS / runsPerPass;
  const list = passes * pages * PRICES.list;
  const seconds = passes * pages * PAGE_SECONDS + RUNS * EMPTY_RUN_SECONDS;
  const lambda = seconds * MEMORY_GB * PRICES.gigabyteSecond + RUNS * PRICES.invocation;
  // The place after each page, as counted above; lease and release of each run.
  const writes = passes * pages + 2 * RUNS;
  const dynamodb = writes * PRICES.write + objects * NEW_SHARE * LOOK_UPS * PRICES.read;
  return { pages, everyHours: runsPerPass * (RUN_EVERY_MINUTES / 60), list, lambda, dynamodb };
}

/** As docs/deploy.md has it. */
function rowOf(objects: number): string {
  const { pages, everyHours, list, lambda, dynamodb } = monthOf(objects);
  const often = everyHours < 1 ? `${everyHours * 60} minutes` : `${everyHours} hours`;
  const total = list + lambda + dynamodb;
  const figures = [list, lambda, dynamodb, total].map((dollars) => dollars.toFixed(2));
  return `| ${objects.toLocaleString("en")} | ${pages.toLocaleString("en")} | ${often} | ${figures.join(" | ")} |`;
}

describe("a month", () => {
  it.each([1_000, 100_000, 1_000_000, 10_000_000])("with %d objects costs what the docs say", async (objects) => {
    const docs = await readFile(`${PROJECT_ROOT}/docs/deploy.md`, "utf8");
    const [, section = ""] = docs.split("### What the reconciler costs");
    const row = section.split("\n").find((line) => line.startsWith(`| ${objects.toLocaleString("en")} |`));
    expect(row).toBe(rowOf(objects));
  });

  it("with 10 million objects costs less than $5", () => {
    const { list, lambda, dynamodb } = monthOf(10_000_000);
    expect(list + lambda + dynamodb).toBeLessThan(5);
  });
});
