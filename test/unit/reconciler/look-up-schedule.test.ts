import { describe, expect, it } from "vitest";
import {
  ageReached,
  decide,
  lookUpAges,
  type Unfinished,
} from "../../../services/reconciler/domain/look-up-schedule.ts";
import { randomFrom } from "../../fixtures/random.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** Lambda keeps events for six hours; the grace is an hour. */
const WAITS = { graceSeconds: HOUR, eventSeconds: 6 * HOUR };
const AGES = lookUpAges(WAITS);

describe("the ages at which an upload is looked up", () => {
  it("are, given an hour's grace, 1, 8 and 21 hours, and a week later for those that took a week to upload", () => {
    expect(AGES.map((age) => age / HOUR)).toEqual([1, 8, 21, 7 * 24 + 7, 7 * 24 + 21]);
  });

  it.each([1, 60, HOUR, DAY])(
    "leave an event time to be delivered or dropped, given a grace of %d s",
    (graceSeconds) => {
      const ages = lookUpAges({ ...WAITS, graceSeconds });
      const waits = ages.slice(1).map((age, index) => age - (ages[index] ?? 0));
      expect(ages).toHaveLength(5);
      expect(Math.min(...waits)).toBeGreaterThan(WAITS.eventSeconds);
    },
  );

  it.each([1, 2, 3, 4, 5])("are each met, in at most five passes, whenever the passes begin (seed %d)", (seed) => {
    const random = randomFrom(seed);
    // From a quarter of an hour to ten days apart.
    const passes = [0];
    while (passes.length < 200) passes.push((passes.at(-1) ?? 0) + Math.ceil(900 + (10 * DAY - 900) * random() ** 8));
    const end = passes.at(-1) ?? 0;
    for (let upload = 0; upload < 200; upload += 1) {
      const uploadedAt = random() * (end - 50 * DAY);
      const lookUps = passes.flatMap((asOf, index) => {
        const reached = ageReached(uploadedAt, AGES, { previous: passes[index - 1] ?? -Infinity, asOf });
        return reached === undefined ? [] : [{ asOf, reached }];
      });
      expect(lookUps.length).toBeLessThanOrEqual(5);
      const last = lookUps.at(-1);
      expect(last?.reached).toBe(4);
      expect(last?.asOf).toBeGreaterThanOrEqual(uploadedAt + (AGES.at(-1) ?? 0));
      const met = AGES.map((age) => passes.find((asOf) => asOf >= uploadedAt + age));
      expect(lookUps.map(({ asOf }) => asOf)).toEqual(expect.arrayContaining(met));
    }
  });

  it("are met by the first pass of all, unless the last one passed two weeks ago", () => {
    const first = { previous: -Infinity, asOf: 100 * DAY };
    expect(ageReached(100 * DAY - HOUR + 1, AGES, first)).toBeUndefined();
    expect(ageReached(100 * DAY - HOUR, AGES, first)).toBe(0);
    expect(ageReached(90 * DAY, AGES, first)).toBe(4);
    expect(ageReached(100 * DAY - 14 * DAY - AGES[4]!, AGES, first)).toBe(4);
    expect(ageReached(100 * DAY - 14 * DAY - AGES[4]! - 1, AGES, first)).toBeUndefined();
  });
});

describe("what is done for an upload that did not finish, given an hour's grace", () => {
  const seen = { mayWait: false, requests: 0, lastRequestAt: undefined, progressAt: undefined };
  const unseen = { ...seen, mayWait: true };
  const requested = (requests: number, hour: number) => ({ ...seen, requests, lastRequestAt: hour * HOUR });
  const continued = (requests: number, hour: number) => ({ ...seen, requests, progressAt: hour * HOUR });

  it.each<[string, Omit<Unfinished, "reached">, number, number, string]>([
    ["seen by the split function", seen, 0, 1, "request"],
    ["not seen: its event may wait for six hours", unseen, 0, 1, "wait"],
    ["not seen: its event was dropped", unseen, 1, 8, "request"],
    ["requested once", requested(1, 1), 1, 8, "request"],
    ["requested a moment ago, by a late pass", requested(1, 7.5), 1, 8, "wait"],
    ["requested twice", requested(2, 8), 2, 21, "give up"],
    ["requested so late that the request may still wait", requested(1, 15), 2, 21, "wait"],
    ["never looked up before", seen, 2, 21, "request"],
    ["continued within the time that the next invocation may take", continued(2, 15), 2, 21, "wait"],
    ["continued too long ago", continued(2, 13), 2, 21, "give up"],
    ["continued too long ago, and not requested yet", continued(0, 1), 1, 8, "request"],
    ["uploaded for days, and never requested", unseen, 3, 175, "request"],
    ["uploaded for days, and requested", requested(1, 175), 4, 189, "give up"],
    ["never requested, at the last look-up", seen, 4, 189, "request"],
  ])("%s: %j at look-up %d after %d hours", (_what, known, reached, hours, decision) => {
    expect(decide({ reached, ...known }, WAITS, hours * HOUR)).toBe(decision);
  });
});
