import { describe, expect, it } from "vitest";
import { overridesOf } from "../../../services/video/overrides.ts";

describe("overrides in an upload's metadata", () => {
  it("are none where there is no metadata", () => {
    expect(overridesOf({})).toEqual({ overrides: {} });
  });

  it("are read from segment-seconds and cut", () => {
    expect(overridesOf({ "segment-seconds": "12.5", cut: "keyframe" })).toEqual({
      overrides: { segmentSeconds: 12.5, cut: "keyframe" },
    });
  });

  it.each(["abc", "", "0", "-5", "0.4", "86401", "1e3", "Infinity", "10s", "0x10"])(
    "tell what is wrong with a length of %j",
    (value) => {
      expect(overridesOf({ "segment-seconds": value }).fault).toContain(`x-amz-meta-segment-seconds is "${value}"`);
    },
  );

  it("tell what is wrong with a cut", () => {
    expect(overridesOf({ cut: "fast" }).fault).toBe('x-amz-meta-cut is "fast"; it must be keyframe or exact');
  });
});
