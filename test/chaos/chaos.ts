import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import { FAULTS, type Fault } from "../../infra/emulator/faults/index.ts";
import { uploadsOf } from "./essence.ts";
import { Harness } from "./harness.ts";
import { type Plan, scheduleFor } from "./plan.ts";
import { type Calm, calmOf, verdictOn } from "./verdict.ts";
import { makeVideos, type Pair, type Pairs, runIn, uploadKey, VIDEOS, videoOf } from "./videos.ts";

/** Uploads before all are waited for. Many: the last ones of a batch wait for timeouts, and nothing else runs then. */
const BATCH = 250;

/** Uploads at the same time. The SDK doesn't retry more of them when the stack is killed. */
const MAX_UPLOADS = 10;

/**
 * Uploads of one split that a kill can interrupt between the bucket and the ledger:
 * services/split/deliver-segments.ts.
 */
const IN_FLIGHT = 3;

/** Longer than a function's timeout. */
const MAX_LEASE_MS = 60_000;

export type ChaosOptions = {
  /** Schedules, by their numbers. */
  runs: readonly number[];
  plan: Plan;
  /** The project whose functions are run. */
  root: string;
  prepared: Prepared;
  onProgress(done: number): void;
};

/** What runs split, and what each of it ends as without faults, in one invocation. */
export type Prepared = {
  /** Invocations have too little time, so that several cut ranges of each video. */
  isRanged: boolean;
  videos: Pairs;
  calm: Readonly<Record<number, Record<keyof Pair, Calm>>>;
};

export type ChaosOutcome = {
  runs: number;
  faults: Record<Fault, number>;
  /** Runs with an outcome that isn't one of those allowed, and what is wrong. */
  wrong: { run: number; how: string }[];
  /** Dead letters that the faults led to, all of them redriven. */
  deadLetters: number;
  /** Conditional writes that were refused, since another came before. */
  conflicts: number;
  /** Announcements beyond the first of the same fact. */
  repeated: number;
  /** Runs whose video was divided into ranges. */
  ranged: number;
  seconds: number;
};

/** Whether a dead letter is about this upload. */
const isAbout = (deadLetter: string, run: number): boolean => deadLetter.includes(uploadKey(run));

const batchesOf = (runs: readonly number[]): number[][] =>
  Array.from({ length: Math.ceil(runs.length / BATCH) }, (_, at) => runs.slice(at * BATCH, (at + 1) * BATCH));

const isTerminal = (type: string): boolean => type === "VideoSplit" || type === "VideoRejected";

type Observers = { onFault(run: number, fault: Fault): void; onStored(run: number): void; onConflict(): void };

async function withHarness<T>(
  options: Observers & { plan: Plan; root: string; videos: Pairs; isRanged: boolean },
  work: (harness: Harness) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
  try {
    const harness = await Harness.open({ ...options, directory });
    try {
      const result = await work(harness);
      await harness.host.ask("close");
      return result;
    } finally {
      harness.close();
      harness.host.kill();
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

const counter = () => {
  const counts = new Map<number, number>();
  return {
    of: (run: number) => counts.get(run) ?? 0,
    add: (run: number) => counts.set(run, (counts.get(run) ?? 0) + 1),
  };
};

/** What each video ends as without faults: the originals as the first runs, their replacements as the next ones. */
async function calmOutcomes(videos: Pairs, root: string): Promise<Prepared["calm"]> {
  const stored = counter();
  const observers = { onFault: () => {}, onStored: stored.add, onConflict: () => {} };
  return withHarness({ ...observers, plan: { kind: "calm" }, root, videos, isRanged: false }, async (harness) => {
    const replacementRun = (run: number) => run + VIDEOS.length;
    const runs = Object.keys(videos).map(Number);
    for (const run of runs) {
      await harness.upload(uploadKey(run), videos[run]!.original);
      await harness.upload(uploadKey(replacementRun(run)), videos[run]!.replacement);
    }
    await harness.host.ask("idle");
    const outcome = await harness.outcome();
    const calm = (run: number): Calm => {
      const [upload] = uploadsOf(outcome, uploadKey(run));
      if (upload === undefined) throw new Error(`${uploadKey(run)} has no document, without any fault`);
      return calmOf(outcome, upload, stored.of(run));
    };
    const both = (run: number) => ({ original: calm(run), replacement: calm(replacementRun(run)) });
    return Object.fromEntries(runs.map((run) => [run, both(run)]));
  });
}

async function unfinishedOf(harness: Harness, runs: readonly number[]): Promise<number[]> {
  const ended = new Set<string>();
  for (const { type, data } of await harness.events()) if (isTerminal(type) && "key" in data) ended.add(data.key);
  return runs.filter((run) => !ended.has(uploadKey(run)));
}

/**
 * Redrives all dead letters. Until the lease of an attempt that was killed has expired, its upload
 * counts as being split, and its dead letter stays. Resolves with how many are left.
 */
async function redrive(harness: Harness): Promise<number> {
  let left = Number.POSITIVE_INFINITY;
  for (let giveUpAt = Number.POSITIVE_INFINITY; left > 0 && Date.now() < giveUpAt; ) {
    const before = left;
    left = await harness.redrive();
    await harness.host.ask("idle");
    if (left < before) giveUpAt = Date.now() + MAX_LEASE_MS;
  }
  return left;
}

/** Makes these of VIDEOS in a folder (default: all), and splits each without faults. */
export async function prepare(
  folder: string,
  root: string,
  indices: readonly number[] = [...VIDEOS.keys()],
  isRanged = false,
): Promise<Prepared> {
  const videos = await makeVideos(folder, indices, isRanged);
  return { isRanged, videos, calm: await calmOutcomes(videos, root) };
}

/**
 * Splits small videos, each with its own schedule of faults, and compares each with the same split
 * without faults: documents, checksums of the objects, and everything that the events say.
 */
export async function chaos({ runs, plan, root, prepared, onProgress }: ChaosOptions): Promise<ChaosOutcome> {
  const begun = performance.now();
  const { videos, calm, isRanged } = prepared;
  const counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  const happened = new Map<number, Set<Fault>>(runs.map((run) => [run, new Set()]));
  const stored = counter();
  let conflicts = 0;
  const observers: Observers = {
    onFault: (run, fault) => {
      counts[fault] += 1;
      happened.get(run)?.add(fault);
    },
    onStored: stored.add,
    onConflict: () => {
      conflicts += 1;
    },
  };
  /**
   * In these nothing may be done twice. They are separate batches, because a stack that is killed
   * for one run affects the others.
   */
  const undisturbed = new Set(runs.filter((run) => scheduleFor(plan, run).isOnlyDeliveries));
  /** Segments that may be stored again, where few faults happen and a retry repairs each. */
  const maxAgain = (run: number): number =>
    undisturbed.has(run) ? 0 : plan.kind === "series" ? IN_FLIGHT : Number.POSITIVE_INFINITY;
  const batches = [...batchesOf([...undisturbed]), ...batchesOf(runs.filter((run) => !undisturbed.has(run)))];
  return withHarness({ ...observers, plan, root, videos, isRanged }, async (harness) => {
    let done = 0;
    for (const batch of batches) {
      const limit = pLimit(MAX_UPLOADS);
      const upload = (run: number) => harness.upload(uploadKey(run), videos[videoOf(run)]!.original);
      await Promise.all(batch.map((run) => limit(() => upload(run))));
      await harness.host.ask("idle");
      done += batch.length;
      onProgress(done);
    }

    await harness.host.ask("calm");
    const deadLetters = await harness.host.ask("deadLetters");
    const unfinished = await unfinishedOf(harness, runs);
    // What didn't end must be in a dead-letter queue, from which it can be redriven.
    const lost = unfinished.filter((run) => !deadLetters.some((deadLetter) => isAbout(deadLetter, run)));
    const left = await redrive(harness);
    const kept = left > 0 ? await harness.host.ask("deadLetters") : [];
    const others = kept.filter((deadLetter) => !runs.some((run) => isAbout(deadLetter, run))).length;

    const outcome = await harness.outcome();
    const outOfTime = counter();
    for (const { type, data } of new Map(outcome.events.map((event) => [event.metadata.eventId, event])).values())
      if (type === "SegmentRangeRequested" && data.invocation > 2) outOfTime.add(runIn(data.key) ?? 0);
    /** Segments whose upload may have been aborted: of invocations that ran out of time, perhaps also of the first one. */
    const inFlight = (run: number): number => (isRanged ? IN_FLIGHT * (outOfTime.of(run) + 1) : 0);
    const howWrong = (run: number): string | undefined => {
      if (lost.includes(run)) return "neither ended nor in a dead-letter queue";
      if (kept.some((deadLetter) => isAbout(deadLetter, run))) return "its dead letter isn't cleared by a redrive";
      const expected = calm[videoOf(run)]!;
      const faults = happened.get(run)!;
      const fault = verdictOn(outcome, uploadsOf(outcome, uploadKey(run)), expected, faults);
      if (fault !== undefined || maxAgain(run) === Number.POSITIVE_INFINITY) return fault;
      if (deadLetters.some((deadLetter) => isAbout(deadLetter, run))) return "it needn't have become a dead letter";
      const replaced = faults.has("S3 object overwritten") ? expected.replacement.stored : 0;
      const most = expected.original.stored + replaced + maxAgain(run) + inFlight(run);
      const times = stored.of(run);
      return times > most ? `${times} segments were stored, at most ${most} expected: work was done twice` : undefined;
    };
    const wrong = runs.flatMap((run) => {
      const how = howWrong(run);
      return how === undefined ? [] : [{ run, how }];
    });
    // A dead letter about a segment doesn't name its upload.
    if (others > 0 && wrong.length === 0)
      wrong.push({ run: runs[0]!, how: `${others} dead letters of segments aren't cleared by a redrive` });
    const announced = outcome.events.filter(
      ({ type }) => type !== "SplitRequested" && type !== "SegmentRangeRequested",
    );
    const repeated = announced.length - new Set(announced.map(({ metadata }) => metadata.eventId)).size;
    const divided = outcome.events.flatMap(({ type, data }) =>
      type === "SegmentRangeRequested" ? [data.VideoId] : [],
    );
    const ranged = new Set(divided).size;
    const seconds = (performance.now() - begun) / 1_000;
    return {
      runs: runs.length,
      faults: counts,
      wrong,
      deadLetters: deadLetters.length,
      conflicts,
      repeated,
      ranged,
      seconds,
    };
  });
}
