import { describe, expect, it } from "vitest";
import { isEnding, needsMore, rangesOf, secondsInTime } from "../../../services/split/domain/ranges.ts";

describe("the ranges of a video", () => {
  it.each([
    { segments: 10, from: 0, most: 4, ranges: ["0-2", "3-4", "5-7", "8-9"] },
    { segments: 10, from: 4, most: 2, ranges: ["0-6", "7-9"] },
    { segments: 5, from: 3, most: 4, ranges: ["0-3", "4-4"] },
    { segments: 5, from: 4, most: 4, ranges: ["0-4"] },
    { segments: 5, from: 5, most: 4, ranges: ["0-4"] },
    { segments: 5, from: 0, most: 1, ranges: ["0-4"] },
  ])("of $segments segments, $from of them made, at most $most: $ranges", ({ segments, from, most, ranges }) => {
    expect(rangesOf(segments, from, most).map(({ first, last }) => `${first}-${last}`)).toEqual(ranges);
  });

  it("hold each segment once, however many there are", () => {
    const wrong: string[] = [];
    for (let segments = 1; segments <= 40; segments += 1)
      for (let from = 0; from <= segments; from += 1)
        for (let most = 1; most <= 9; most += 1) {
          let next = 0;
          for (const { first, last } of rangesOf(segments, from, most)) {
            if (first !== next || last < first) wrong.push(`${segments} segments, ${from} made, at most ${most}`);
            next = last + 1;
          }
          if (next !== segments) wrong.push(`${segments} segments, ${from} made, at most ${most}: ends at ${next}`);
        }
    expect(wrong).toEqual([]);
  });
});

describe("an invocation needs others", () => {
  const hour = { made: 60, missing: 3_540, elapsed: 120, left: 780 };

  it.each([
    { what: "when the rest takes longer than it has", pace: hour, is: true },
    { what: "not when the rest takes less", pace: { ...hour, missing: 300 }, is: false },
    { what: "when the rest takes nearly as long", pace: { ...hour, missing: 320 }, is: true },
    {
      what: "not before a thirtieth of its time: its first segments take longer",
      pace: { made: 15, missing: 3_585, elapsed: 29, left: 871 },
      is: false,
    },
    {
      what: "after a thirtieth of its time",
      pace: { made: 15, missing: 3_585, elapsed: 31, left: 869 },
      is: true,
    },
    { what: "not before a segment is made", pace: { ...hour, made: 0 }, is: false },
  ])("$what", ({ pace, is }) => expect(needsMore(pace)).toBe(is));
});

describe("what an invocation still makes", () => {
  it("is what it makes in four fifths of the time that is left, at its pace so far", () => {
    expect(secondsInTime({ made: 1_600, missing: 9_000, elapsed: 800, left: 100 })).toBe(160);
  });

  it("is all that counts in the last tenth of its time", () => {
    expect(isEnding({ made: 1, missing: 1, elapsed: 809, left: 91 })).toBe(false);
    expect(isEnding({ made: 1, missing: 1, elapsed: 811, left: 89 })).toBe(true);
  });
});

it("a video that takes an invocation's time is cut six times as fast in eight ranges", () => {
  const [seconds, limit] = [900, 900];
  const paceAt = (elapsed: number) => ({
    ...{ made: elapsed, missing: seconds - elapsed },
    ...{ elapsed, left: limit - elapsed },
  });
  const alone = Array.from({ length: limit }, (_, elapsed) => elapsed).find((elapsed) => needsMore(paceAt(elapsed)))!;
  expect(seconds / (alone + (seconds - alone) / 8)).toBeGreaterThan(6);
});
