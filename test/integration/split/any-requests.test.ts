import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SourceFetchError } from "../../../services/video/errors.ts";
import { DIFFERENT, openDeliveries, SAME } from "../../fixtures/deliveries.ts";
import { notFetched, stopsAt, type World } from "../../fixtures/split-world.ts";

const REQUESTS = { ...SAME, ...DIFFERENT };

const WORLDS: Record<string, Partial<World>> = {
  "goes well": {},
  fails: { endsAfter: notFetched(1, new SourceFetchError("S3 is down")) },
  "can't be cut": { endsAfter: stopsAt(0, "no", "UnsupportedCut") },
  breaks: { endsAfter: stopsAt(1, "broken packet") },
};

const step = fc.tuple(fc.constantFrom(...Object.keys(REQUESTS)), fc.constantFrom(...Object.keys(WORLDS)));

const ONE_SPLIT = "lead to one split at most, which nothing rejects or changes, and of which each other way is refused";

describe("any requests for one object, one after the other", () => {
  for (const { numRuns, tags } of [
    { numRuns: 6, tags: [] },
    { numRuns: 25, tags: ["full"] },
  ])
    it(`${ONE_SPLIT} (${numRuns} cases)`, { tags }, async () => {
      const sequences = fc.array(step, { minLength: 2, maxLength: 5 });
      await fc.assert(
        fc.asyncProperty(sequences, async (steps) => {
          const { deliver, documents, events } = await openDeliveries();
          let split: { documents: string; cut: unknown } | undefined;
          for (const [asked, world] of steps) {
            const before = events.length;
            const { outcome } = await deliver(REQUESTS[asked], WORLDS[world]);
            const announced = events.slice(before);
            if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SourceFetchError);
            if (split !== undefined) {
              expect(documents()).toBe(split.documents);
              expect(announced.every(({ type }) => type === "RequestRefused")).toBe(true);
              if (split.cut === "as set") expect(announced).toHaveLength(asked in DIFFERENT ? 1 : 0);
              continue;
            }
            const ended = announced.find((event) => event.type === "VideoSplit");
            if (ended === undefined) continue;
            const isAgain = events.some(({ data }) => data.key.startsWith("out/again/"));
            const isAsSet = ended.data.cut === "keyframe" && ended.data.segment_seconds === 2 && !isAgain;
            split = { documents: documents(), cut: isAsSet ? "as set" : "otherwise" };
          }
          expect(events.filter(({ type }) => type === "VideoSplit").length).toBeLessThanOrEqual(1);
        }),
        { numRuns },
      );
    });
});
