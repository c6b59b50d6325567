import { afterEach, describe, expect, it } from "vitest";
import { concurrentMuxes, frameBytes } from "../../../services/ffmpeg/assembly/memory-estimate.ts";
import { encoderConcurrency, tooLargeToEncodeError } from "../../../services/ffmpeg/exact/encoder-concurrency.ts";
import { setBudget } from "../../../services/ffmpeg/process/limits.ts";
import { budgetOf } from "../../../services/split/domain/budget.ts";

afterEach(() => setBudget(budgetOf()));

const SIZES = {
  hd: [1_920, 1_080],
  fourK: [3_840, 2_160],
  fiveK: [5_312, 2_988],
  eightK: [7_680, 4_320],
  largest: [8_192, 8_192],
} as const;

/** The values of encoder-settings.ts. */
const X264 = { frames: 28, threadFrames: 4 };
const X265 = { frames: 42, threadFrames: 0 };
const CORES = 6;

const roomOf = (encoder: typeof X264, size: keyof typeof SIZES, format = "yuv420p") =>
  encoderConcurrency(encoder, frameBytes(SIZES[size], format), CORES);

describe("the memory of a frame", () => {
  it.each([
    ["yuv420p", 1.5],
    ["nv12", 1.5],
    ["yuvj422p", 2],
    ["yuv444p", 3],
    ["gray", 1],
    ["yuv420p10le", 3],
    ["p010le", 3],
    ["yuv422p10le", 4],
    ["gbrp", 3],
    ["gbrap16le", 8],
    ["yuva420p", 2.5],
    ["rgb48be", 6],
    [undefined, 3],
  ])("in %s is %f bytes for each pixel", (format, bytes) => {
    expect(frameBytes([100, 10], format)).toBe(1_000 * bytes);
  });
});

describe("what fits into the memory of 1,769 MB", () => {
  it("HD: two encoders with their default threads, and two segments proven concurrently", () => {
    expect(roomOf(X264, "hd")).toEqual({ jobs: 2, threads: undefined });
    expect(concurrentMuxes(frameBytes(SIZES.hd, "yuv420p"))).toBe(2);
  });

  it("4K: one encoder; also of HEVC in 10 bits", () => {
    expect(roomOf(X264, "fourK")?.jobs).toBe(1);
    expect(roomOf(X265, "fourK", "yuv420p10le")).toMatchObject({ jobs: 1 });
  });

  it("5K: one encoder, with fewer threads than its default", () => {
    expect(roomOf(X264, "fiveK")).toEqual({ jobs: 1, threads: expect.any(Number) });
  });

  it("8K: no encoder, and a message that says what to do; one with more memory", () => {
    expect(roomOf(X264, "eightK")).toBeUndefined();
    expect(tooLargeToEncodeError(SIZES.eightK)).toMatchObject({
      reason: "LimitExceeded",
      message: expect.stringMatching(/7680 x 4320 .* 1,238 MB .*1769 MB.*"keyframe".*video_split\.memory_mb/),
    });
    setBudget(budgetOf(10_240));
    expect(roomOf(X264, "eightK")).toMatchObject({ jobs: expect.any(Number) });
  });

  it("8K, copied: one segment is proven at a time", () => {
    expect(concurrentMuxes(frameBytes(SIZES.eightK, "yuv420p"))).toBe(1);
    expect(concurrentMuxes(frameBytes(SIZES.fourK, "yuv420p"))).toBe(2);
  });
});
