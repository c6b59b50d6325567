import { describe, expect, it } from "vitest";
import { localConcurrency, localRanges } from "../../../infra/local/functions.ts";
import { budgetOf, megabytes } from "../../../services/split/domain/budget.ts";

const GIGABYTE = 2 ** 30;

describe("the budget of a split", () => {
  it("follows from the function's memory; without any, from the default", () => {
    expect(budgetOf()).toEqual(budgetOf(1_769));
    const { programBytes, programsBytes, packetBytes, earlyAudioBytes, indexBytes } = budgetOf();
    expect([programBytes, programsBytes, packetBytes, earlyAudioBytes, indexBytes].map(megabytes)).toEqual([
      ...["1,238 MB", "1,504 MB", "74 MB", "66 MB", "126 MB"],
    ]);
    expect(budgetOf(2 * 1_769).programBytes).toBe(2 * programBytes + 1);
  });

  it("takes the largest packets of cameras, and the index of ten hours, with the least memory that is allowed", () => {
    const { packetBytes, indexBytes } = budgetOf(512);
    expect([packetBytes, indexBytes].map(megabytes)).toEqual(["32 MB", "64 MB"]);
  });
});

describe("invocations at the same time on the local stack", () => {
  it.each([
    [8 * GIGABYTE, 16, 2],
    [16 * GIGABYTE, 16, 5],
    [64 * GIGABYTE, 16, 10],
    [64 * GIGABYTE, 4, 4],
    [64 * GIGABYTE, 1, 2],
    [GIGABYTE, 16, 1],
  ])("of %i bytes of memory and %i cores: %i", (bytes, cores, expected) => {
    expect(localConcurrency(1_769, { bytes, cores })).toBe(expected);
  });

  it.each([
    [4, 2, 1],
    [4, 4, 2],
    [4, 16, 4],
    [1, 16, 1],
    [4, 1, 1],
  ])("of at most %i ranges of a video, on %i cores: %i", (most, cores, expected) => {
    expect(localRanges(most, cores)).toBe(expected);
  });
});
