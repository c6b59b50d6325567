import { describe, expect, it } from "vitest";
import { leadOf, omittedSeconds } from "../../../services/split/domain/early-audio.ts";

describe("audio before the first video frame", () => {
  it("is counted from the start of the track to the first video frame, on any clock", () => {
    expect(leadOf(105, 100)).toBe(5);
    expect(leadOf(5, 5)).toBe(0);
    expect(leadOf(5, 7)).toBe(0);
    expect(leadOf(5, undefined)).toBe(0);
  });

  it("is 0 if it is shorter than a packet of AAC", () => {
    expect(leadOf(1, 0.98)).toBe(0);
    expect(leadOf(1, 0.97)).toBeCloseTo(0.03, 9);
  });

  it("is left out except for ten seconds, and the track that loses most counts", () => {
    expect(omittedSeconds(10, [0])).toBe(0);
    expect(omittedSeconds(40, [30, 0, 12])).toBe(30);
    expect(omittedSeconds(40, [])).toBe(0);
  });
});
