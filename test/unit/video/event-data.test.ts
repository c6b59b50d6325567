import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rejected, roundedFps, segmentFps } from "../../../services/video/event-data.ts";

describe("a frame rate in events", () => {
  it.each([
    [30_000 / 1_001, 29.97],
    [24_000 / 1_001, 23.976],
    [0.5, 0.5],
    [1 / 3_600, 0.000278],
    [2 / 2 ** 33, 2.33e-10],
  ])("%d is %d", (fps, rounded) => expect(roundedFps(fps)).toBe(rounded));

  it("is never 0, and within half a percent of what was measured or half a thousandth", () => {
    const rates = fc.double({ min: 1e-300, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(rates, (fps) => {
        const rounded = roundedFps(fps);
        expect(rounded).toBeGreaterThan(0);
        expect(Math.abs(rounded - fps)).toBeLessThanOrEqual(
          Math.max(0.005 * Math.min(fps, 0.1), 0.0005 * (fps >= 0.1 ? 1 : 0)) * 1.001,
        );
      }),
    );
  });
});

describe("a segment's frame rate", () => {
  it.each([
    ["counted, where a pause in the video makes its mean rate low", 0.097, 100, 4, 25],
    ["counted, where the video is faster for a while", 25, 107, 2, 53.5],
    ["the video's, where the last frame's duration is rounded", 29.97, 60, 2.002, 29.97],
    ["the video's, to half a frame", 25, 50, 2.02, 25],
    ["counted, beyond half a frame", 25, 50, 2.03, 24.631],
    ["never 0", 25, 1, 2 ** 33, 1.16e-10],
  ])("is %s", (_, video, frames, seconds, fps) => expect(segmentFps(video, frames, seconds)).toBe(fps));
});

describe("the message of a rejection", () => {
  it("is cut to 4,096 bytes, between two characters", () => {
    const source = { bucket: "b", key: "k.mp4", etag: "e", versionId: undefined };
    const { rejection } = rejected({ videoId: 16_384, source, bytes: 1 }, "NotMedia", "ü".repeat(5_000));
    expect(rejection.message).toBe("ü".repeat(2_048));
  });
});
