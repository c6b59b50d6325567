import { describe, expect, it } from "vitest";
import { overridesOf } from "../../../services/video/overrides.ts";

describe("overrides in an upload's metadata", () => {
  it("are none where there is no metadata", () => {
    expect(overridesOf({})).toEqual({ overrides: {}, faults: {} });
  });

  it("are read from segment-seconds and cut", () => {
    expect(overridesOf({ "segment-seconds": "12.5", cut: "keyframe" })).toEqual({
      overrides: { segmentSeconds: 12.5, cut: "keyframe" },
      faults: {},
    });
  });

  it.each(["abc", "", "0", "-5", "0.4", "86401", "1e3", "Infinity", "10s", "0x10"])(
    "say what is wrong with a length of %j",
    (value) => {
      expect(overridesOf({ "segment-seconds": value }).faults.segmentSeconds).toContain(
        `x-amz-meta-segment-seconds is "${value}"`,
      );
    },
  );

  it("say what is wrong with a cut", () => {
    expect(overridesOf({ cut: "fast" }).faults.cut).toBe('x-amz-meta-cut is "fast"; it must be keyframe or exact');
  });

  it("are separate: one that can be used stays beside one that can't", () => {
    expect(overridesOf({ "segment-seconds": "soon", cut: "exact" })).toEqual({
      overrides: { cut: "exact" },
      faults: { segmentSeconds: expect.any(String) },
    });
  });
});
