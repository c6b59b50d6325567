import { describe, expect, it } from "vitest";
import { lookUpAges } from "../../../services/reconciler/domain/look-up-schedule.ts";
import { sourceIdentity } from "../../../services/video/source.ts";
import { randomFrom } from "../../fixtures/random.ts";
import { HOUR, KilledError, openReconciler } from "./reconciler-setup.ts";

const UPLOADS = 14;
const PAGE_SIZE = 2;
const PAGES = UPLOADS / PAGE_SIZE;
const LAST_AGE_HOURS = (lookUpAges({ graceSeconds: HOUR, eventSeconds: 6 * HOUR }).at(-1) ?? 0) / HOUR;

/** Uploads that are all split, each with the hours at which it was looked up. */
async function openCounted(uploadHours: number[]) {
  const objects = uploadHours.map((hour, index) => ({
    key: `uploads/${String(index).padStart(3, "0")}.mp4`,
    uploadedAt: Math.floor(hour * HOUR),
  }));
  const lookUps = new Map<string, number[]>();
  let hour = 0;
  const opened = await openReconciler({
    objects,
    pageSize: PAGE_SIZE,
    isSplit: () => true,
    onLookUp: (identity) => void lookUps.set(identity, [...(lookUps.get(identity) ?? []), hour]),
  });
  const run = async (at: number, end?: "stopped" | "killed", afterPages = 0) => {
    hour = at;
    const leaving = new AbortController();
    const from = opened.calls.list;
    opened.setup.onPage = (calls) => {
      if (end === undefined || calls - from <= afterPages) return;
      if (end === "killed") opened.kill();
      else leaving.abort(new Error("time is up"));
    };
    await opened.at(at, leaving.signal).catch((error: unknown) => {
      if (!(error instanceof KilledError)) throw error;
    });
  };
  const of = (key: string) => lookUps.get(sourceIdentity(opened.sources.get(key)!)) ?? [];
  return { ...opened, objects, run, of };
}

describe("an upload, whenever the passes begin and wherever a run ends", () => {
  for (const end of ["stopped", "killed"] as const)
    for (let page = 0; page < PAGES; page += 1)
      it(`is looked up once in a pass whose first run is ${end} after page ${page} of ${PAGES}`, async () => {
        const { objects, run, of, calls } = await openCounted(Array.from({ length: UPLOADS }, () => 1));
        await run(2, end, page);
        await run(3);
        expect(objects.map(({ key }) => of(key).length)).toEqual(objects.map(() => 1));
        // The page that was read when the run ended is read again.
        expect(calls.list).toBe(PAGES + 1);
        await run(4);
        expect(calls.lookUps).toBe(UPLOADS);
      });

  it("is requested once where the run is killed between its request and the next page", async () => {
    const objects = [1, 2, 3].map((index) => ({ key: `uploads/${index}.mp4`, uploadedAt: HOUR }));
    const opened = await openReconciler({ objects, pageSize: PAGE_SIZE });
    opened.setup.onSave = opened.kill;
    await expect(opened.at(2)).rejects.toThrow(KilledError);
    expect(opened.events).toHaveLength(2);
    opened.setup.onSave = () => {};
    expect(await opened.at(2.25)).toMatchObject({ unfinished: 3, requested: 1, complete: true });
    expect(opened.events).toHaveLength(3);
  });

  const SEEDS = [1, 2, 3, 4].map((seed) => ({ seed, tags: seed === 1 ? [] : ["full"] }));
  for (const { seed, tags } of SEEDS)
    it(`is looked up after its last age, and at most five times (seed ${seed})`, { tags }, async () => {
      const random = randomFrom(seed);
      const { objects, run, of } = await openCounted(Array.from({ length: UPLOADS }, () => random() * 200));
      const end = 200 + LAST_AGE_HOURS + 24;
      for (let hour = 0.1; hour < end; hour += 0.25 + 12 * random() ** 6) {
        const how = random();
        const afterPages = Math.floor(random() * PAGES);
        await run(hour, how < 0.3 ? "stopped" : how < 0.6 ? "killed" : undefined, afterPages);
      }
      // Two whole passes: what is left of the one at hand, and one more.
      await run(end);
      await run(end + 1);
      for (const { key, uploadedAt } of objects) {
        const hours = of(key);
        expect(hours.length).toBeLessThanOrEqual(5);
        expect(hours.at(-1)).toBeGreaterThanOrEqual(uploadedAt / HOUR + LAST_AGE_HOURS);
      }
    });
});
