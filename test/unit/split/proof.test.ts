import { describe, expect, it } from "vitest";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import { largestDeviation } from "../../../services/split/domain/proof.ts";

const shownAt = (...times: number[]): PacketIndex => {
  const index = new PacketIndex();
  for (const time of times) index.add({ time, duration: undefined, key: false });
  return index;
};

describe("how far a boundary is from the first frame at or after the time asked for", () => {
  it("is nothing for the very frame, whatever the order of the packets and the start of the clock", () => {
    const index = shownAt(10, 12, 11, 14, 13);
    const boundaries = [
      { requestedStart: 0, start: 0 },
      { requestedStart: 2, start: 2 },
    ];
    expect(largestDeviation(boundaries, index, 10)).toBe(0);
  });

  it("is nothing where the time asked for is between two frames and the later one begins the segment", () => {
    expect(
      largestDeviation(
        [
          { requestedStart: 0, start: 0 },
          { requestedStart: 2, start: 2.5 },
        ],
        shownAt(0, 1.5, 2.5),
        0,
      ),
    ).toBe(0);
  });

  it("is the way to the keyframe otherwise", () => {
    expect(
      largestDeviation(
        [
          { requestedStart: 0, start: 0 },
          { requestedStart: 2, start: 3 },
        ],
        shownAt(0, 1, 2, 3),
        0,
      ),
    ).toBe(1);
  });
});
