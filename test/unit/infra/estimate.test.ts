import { describe, expect, it } from "vitest";
import { type Candidate, estimate, segmentsOf } from "../../../infra/operations/estimate.ts";

const functions = { split: { memoryMB: 1_024, architecture: "arm64" }, posters: false } as const;
const hour: Candidate = { bytes: 3.6e9, seconds: 3_600, segmentSeconds: 30, cut: "keyframe" };

describe("how many segments a video gives", () => {
  it.each([
    [60, 30, 2],
    [60.4, 30, 2],
    [60.6, 30, 3],
    [0.2, 30, 1],
  ])("%d s in segments of %d s: %d", (seconds, length, segments) => {
    expect(segmentsOf(seconds, length)).toBe(segments);
  });
});

describe("the cost of splitting", () => {
  it("for an hour of 8 Mb/s in 30 s is the same as a manual calculation", () => {
    const { seconds, segments, cost, storage } = estimate([hour], functions);
    expect([seconds, segments]).toEqual([3_600, 120]);
    // 92 s of work on one GB, 122 events of 0.005 GB-seconds, 123 invocations.
    expect(cost?.lambda).toBeCloseTo((92 + 0.61) * 0.0000133334 + 123 * 0.0000002, 9);
    // 430 ranges; 120 segments of 30 MB: 4 parts, a beginning and an end.
    expect(cost?.s3).toBeCloseTo(430 * 0.0000004 + 120 * 6 * 0.000005, 9);
    expect(cost?.eventBridge).toBeCloseTo(122 * 0.000002 + 0.000001, 9);
    expect(cost?.dynamoDB).toBeCloseTo((122 + 8 + 240) * 0.000000625 + 130 * 0.000000125, 9);
    expect(storage).toBeCloseTo(3.6 * 0.023, 9);
  });

  it("is more where boundaries are encoded, by two seconds for each", () => {
    const lambda = (cut: Candidate["cut"]) => estimate([{ ...hour, cut }], functions).cost?.lambda ?? 0;
    expect(lambda("exact") - lambda("keyframe")).toBeCloseTo(119 * 2 * 0.0000133334, 9);
  });

  it("is more with posters: a second, an object, an event and its document for each segment", () => {
    const { cost: without } = estimate([hour], functions);
    const { cost } = estimate([hour], { ...functions, posters: true });
    expect(cost!.lambda - without!.lambda).toBeCloseTo(120 * (1 + 0.005) * 0.0000133334 + 240 * 0.0000002, 9);
    expect(cost!.s3 - without!.s3).toBeCloseTo(120 * (3 * 0.0000004 + 0.000005), 9);
    expect(cost!.eventBridge - without!.eventBridge).toBeCloseTo(120 * 0.000002, 9);
    expect(cost!.dynamoDB - without!.dynamoDB).toBeCloseTo(120 * (0.000000625 + 0.000000125), 9);
  });

  it("is estimated from the others' bytes where a video's duration is unknown", () => {
    const both = estimate([hour, { ...hour, bytes: 1.8e9, seconds: undefined }], functions);
    expect(both).toMatchObject({ videos: 2, known: 1, seconds: 5_400, segments: 180 });
  });

  it("is unknown where no video's duration is known, except for the storage", () => {
    const unknown = estimate([{ ...hour, seconds: undefined }], functions);
    expect(unknown).toEqual({
      ...{ videos: 1, known: 0, storage: 3.6 * 0.023 },
      ...{ seconds: undefined, segments: undefined, cost: undefined },
    });
  });
});
