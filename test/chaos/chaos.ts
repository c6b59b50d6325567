import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FAULTS, type Fault } from "../../infra/local/faults/index.ts";
import { makeMedia } from "../fixtures/media.ts";
import { essence } from "./essence.ts";
import { Harness, type Video } from "./harness.ts";
import { type Plan, scheduleFor } from "./plan.ts";
import { uploadKey } from "./runs.ts";

/** Uploads that are under way together. */
const TOGETHER = 50;

/** Uploads of one split that a kill can meet between the bucket and the ledger: services/split/deliver-segments.ts. */
const IN_FLIGHT = 3;

/** A function's timeout, and some. */
const LONGEST_LEASE_MS = 30_000;

/** What makeVideos makes. */
const VIDEOS = 4;

/** Seeded ones, or one kill each. */
export type Schedules = { seed: number } | "kills";

export const planOf = (schedules: Schedules): Plan =>
  schedules === "kills" ? { kind: "kills", videos: VIDEOS } : { kind: "seeded", seed: schedules.seed };

export type ChaosOptions = {
  /** Schedules, by their numbers. */
  runs: readonly number[];
  schedules: Schedules;
  /** The project whose functions are run. */
  root: string;
  onProgress(done: number): void;
};

export type ChaosOutcome = {
  runs: number;
  faults: Record<Fault, number>;
  /** Runs in which something differed from the run without faults, and how. */
  wrong: { run: number; how: string }[];
  /** Dead letters that the faults led to, all of them cleared by a redrive where nothing is wrong. */
  deadLetters: number;
  /** Conditional writes that were refused, since another came before. */
  conflicts: number;
  /** Announcements beyond the first of the same fact. */
  repeated: number;
  seconds: number;
};

/** What is split: small, made once, each its own way through the service. */
async function makeVideos(folder: string): Promise<Video[]> {
  const twoSeconds = { "segment-seconds": "2" };
  const bFrames = await readFile(await makeMedia(folder, "b-frames.mp4"));
  const plain = await readFile(await makeMedia(folder, "keyframe-each-second.mp4"));
  return [
    { body: bFrames, metadata: twoSeconds },
    { body: plain, metadata: { "segment-seconds": "1.5", cut: "keyframe" } },
    { body: plain, metadata: twoSeconds },
    { body: Buffer.from("not a video at all"), metadata: twoSeconds },
  ];
}

type Calm = { essence: string; stored: number };

/** Whether a dead letter is about this upload. */
const isAbout = (letter: string, run: number): boolean => letter.includes(uploadKey(run));

const chunks = (runs: readonly number[]): number[][] =>
  Array.from({ length: Math.ceil(runs.length / TOGETHER) }, (_, at) => runs.slice(at * TOGETHER, (at + 1) * TOGETHER));

const isTerminal = (type: string): boolean => type === "VideoSplit" || type === "VideoRejected";

async function withHarness<T>(
  options: {
    plan: Plan;
    root: string;
    onFault(run: number, fault: Fault): void;
    onStored(run: number): void;
    onConflict(): void;
  },
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

/** What each video comes to when nothing is broken. */
async function calmOutcomes(videos: readonly Video[], root: string): Promise<Calm[]> {
  const stored = new Map<number, number>();
  const onStored = (run: number) => void stored.set(run, (stored.get(run) ?? 0) + 1);
  return withHarness(
    { plan: { kind: "calm" }, root, onFault: () => {}, onStored, onConflict: () => {} },
    async (harness) => {
      for (const [run, video] of videos.entries()) await harness.upload(uploadKey(run), video);
      await harness.host.ask("idle");
      const outcome = await harness.outcome();
      return videos.map((_, run) => ({ essence: essence(outcome, uploadKey(run)), stored: stored.get(run) ?? 0 }));
    },
  );
}

async function unfinishedOf(harness: Harness, runs: readonly number[]): Promise<number[]> {
  const ended = new Set<string>();
  for (const { type, data } of await harness.events()) if (isTerminal(type) && "key" in data) ended.add(data.key);
  return runs.filter((run) => !ended.has(uploadKey(run)));
}

/**
 * Brings all dead letters home. Until the lease of an attempt that was killed has run out, its upload is taken for one that's being
 * split, and its letter stays. Resolves with how many are left.
 */
async function redrive(harness: Harness): Promise<number> {
  let left = Number.POSITIVE_INFINITY;
  for (let giveUpAt = Number.POSITIVE_INFINITY; left > 0 && Date.now() < giveUpAt; ) {
    const before = left;
    left = await harness.redrive();
    await harness.host.ask("idle");
    if (left < before) giveUpAt = Date.now() + LONGEST_LEASE_MS;
  }
  return left;
}

/**
 * Splits small videos as often as asked, each under a seeded schedule of faults, and compares what each came to with the same split
 * without any: documents, checksums of the objects, and the ids of the events.
 */
export async function chaos({ runs, schedules, root, onProgress }: ChaosOptions): Promise<ChaosOutcome> {
  const begun = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
  const faults = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  const stored = new Map<number, number>();
  const plan = planOf(schedules);
  /** Of these nothing may be done twice. They come by themselves: a stack that is killed for one run disturbs all. */
  const undisturbed = new Set(runs.filter((run) => scheduleFor(plan, run).isMereDuplicates));
  /** Segments that may be stored again, where few faults happen and each is got over by a retry. */
  const mostAgain = (run: number): number =>
    undisturbed.has(run) ? 0 : plan.kind === "kills" ? IN_FLIGHT : Number.POSITIVE_INFINITY;
  const batches = [...chunks([...undisturbed]), ...chunks(runs.filter((run) => !undisturbed.has(run)))];
  try {
    const videos = await makeVideos(folder);
    const videoOf = (run: number): number => run % videos.length;
    const calm = await calmOutcomes(videos, root);
    const options = {
      plan,
      root,
      onFault: (_run: number, fault: Fault) => {
        faults[fault] += 1;
      },
      onStored: (run: number) => void stored.set(run, (stored.get(run) ?? 0) + 1),
    };
    let conflicts = 0;
    const onConflict = () => {
      conflicts += 1;
    };
    return await withHarness({ ...options, onConflict }, async (harness) => {
      let done = 0;
      for (const batch of batches) {
        await Promise.all(batch.map((run) => harness.upload(uploadKey(run), videos[videoOf(run)]!)));
        await harness.host.ask("idle");
        done += batch.length;
        onProgress(done);
      }

      await harness.host.ask("calm");
      const letters = await harness.host.ask("letters");
      const unfinished = await unfinishedOf(harness, runs);
      // What didn't come to its end must lie in a dead-letter queue, whence it can be brought home.
      const lost = unfinished.filter((run) => !letters.some((letter) => isAbout(letter, run)));
      const left = await redrive(harness);
      if (left > 0) throw new Error(`${left} dead letters aren't cleared by a redrive`);

      const outcome = await harness.outcome();
      const wrong = runs.flatMap((run) => {
        const expected = calm[videoOf(run)]!;
        const found = essence(outcome, uploadKey(run));
        if (found !== expected.essence) return [{ run, how: `${found}\n  instead of\n  ${expected.essence}` }];
        const most = expected.stored + mostAgain(run);
        if (most === Number.POSITIVE_INFINITY) return [];
        if (letters.some((letter) => isAbout(letter, run)))
          return [{ run, how: "it needn't have become a dead letter" }];
        const times = stored.get(run) ?? 0;
        if (times <= most) return [];
        return [{ run, how: `${times} segments were stored instead of ${expected.stored}: work was done twice` }];
      });
      wrong.push(...lost.map((run) => ({ run, how: "neither ended nor in a dead-letter queue" })));
      const facts = outcome.events.filter(({ type }) => type !== "SplitRequested");
      const repeated = facts.length - new Set(facts.map(({ metadata }) => metadata.eventId)).size;
      const seconds = (performance.now() - begun) / 1_000;
      return { runs: runs.length, faults, wrong, deadLetters: letters.length, conflicts, repeated, seconds };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
