import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_BYTES, MAX_ENTRIES, takeBatch } from "../../../services/aws/event-publisher.ts";

describe("batches of events", () => {
  it("hold at most ten entries and 256 KB, keep the order, and lose none", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: MAX_BYTES }), { maxLength: 60 }), (sizes) => {
        const queue = sizes.map((bytes, index) => ({ bytes, index }));
        const batches: (typeof queue)[] = [];
        while (queue.length > 0) batches.push(takeBatch(queue));
        expect(batches.flat().map(({ index }) => index)).toEqual(sizes.map((_, index) => index));
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(MAX_ENTRIES);
          expect(batch.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MAX_BYTES);
        }
      }),
    );
  });

  it("let an entry that is too large go alone, for the bus to refuse it", () => {
    expect(takeBatch([{ bytes: MAX_BYTES + 1 }, { bytes: 1 }])).toHaveLength(1);
  });
});
