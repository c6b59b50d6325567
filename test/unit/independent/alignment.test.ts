import { describe, expect, it } from "vitest";
import { align as alignSegments, type PlacedFrame } from "../../independent/alignment.ts";

const TICK = 0.04;

const align = (source: PlacedFrame[], segments: PlacedFrame[][]) =>
  alignSegments(
    source,
    segments.map((all) => ({ frames: all, start: all[0]!.time })),
  );

/** Frames of which each has its own content, from `from` to `to`; `zero` is the number of the frame at time 0. */
const frames = (from: number, to: number, zero = 0): PlacedFrame[] =>
  Array.from({ length: to - from }, (_, at) => ({ time: (from + at - zero) * TICK, hash: `frame ${from + at}` }));

/** The same, encoded again: no hash is the source's. */
const encoded = (all: PlacedFrame[]): PlacedFrame[] => all.map((frame) => ({ ...frame, hash: `${frame.hash}, again` }));

const source = frames(0, 10);

describe("segments beside their source", () => {
  it("finds every frame once", () => {
    const { placements, ...rest } = align(source, [frames(0, 4), frames(4, 10, 4)]);
    expect(placements[1]!.pairs).toEqual([4, 5, 6, 7, 8, 9]);
    expect(rest).toEqual({ missing: [], doubled: 0, extra: 0, maxTimeError: expect.closeTo(0, 6) });
  });

  it("finds frames that were encoded again by their times, where the segment before ends", () => {
    const { placements, missing } = align(source, [encoded(frames(0, 4)), encoded(frames(4, 10, 4))]);
    expect(placements[1]!.pairs).toEqual([4, 5, 6, 7, 8, 9]);
    expect(missing).toEqual([]);
  });

  it("finds a missing frame, whether its neighbours were copied or encoded", () => {
    const without = frames(4, 10, 4).filter((_, at) => at !== 2);
    expect(align(source, [frames(0, 4), without]).missing).toEqual([6]);
    expect(align(source, [frames(0, 4), encoded(without)]).missing).toEqual([6]);
  });

  it("takes frames of one time a tick apart for the same, in their order, and nothing further", () => {
    const together = source.map((frame, at) => (at < 4 ? { ...frame, time: 0 } : frame));
    const written = (ticks: number) => [
      together.map((frame, at) => (at < 4 ? { ...frame, time: at * ticks * 0.001 } : frame)),
    ];
    expect(align(together, written(1))).toMatchObject({ missing: [], extra: 0, maxTimeError: 0 });
    expect(align(together, written(5)).maxTimeError).toBeCloseTo(0.012, 6);
    expect(align(together, [written(1)[0]!.filter((_, at) => at !== 2)]).missing).toEqual([2]);
  });

  it("counts a frame that two segments hold, and one that comes twice in one", () => {
    expect(align(source, [frames(0, 5), frames(4, 10, 4)])).toMatchObject({ doubled: 1, missing: [] });
    const [first] = frames(4, 5, 4);
    const twice = [first!, { ...first!, time: 0.02 }, ...frames(5, 10, 4)];
    expect(align(source, [frames(0, 4), twice])).toMatchObject({ doubled: 1, extra: 0, missing: [] });
  });

  it("places a segment by its first packet where that doesn't decode", () => {
    const { placements, missing } = alignSegments(source, [
      { frames: frames(0, 4), start: 0 },
      { frames: encoded(frames(5, 10, 4)), start: 0 },
    ]);
    expect(placements[1]!.pairs).toEqual([5, 6, 7, 8, 9]);
    expect(missing).toEqual([4]);
  });

  it("counts a frame at a time where the source has none", () => {
    const strange = { time: 0.5, hash: "elsewhere" };
    expect(align(source, [[...frames(0, 10), strange]])).toMatchObject({ extra: 1, missing: [] });
  });

  it("measures how far a frame is from its time", () => {
    const late = frames(4, 10, 4).map((frame, at) => (at === 3 ? { ...frame, time: frame.time + 0.01 } : frame));
    expect(align(source, [frames(0, 4), late]).maxTimeError).toBeCloseTo(0.01, 6);
  });

  it("isn't affected by identical frames or a pause", () => {
    const still = source.map(({ time }, at) => ({ time: at < 5 ? time : time + 3600, hash: "black" }));
    const second = still.slice(4).map(({ time, hash }) => ({ time: time - still[4]!.time, hash }));
    expect(align(still, [still.slice(0, 4), second])).toMatchObject({ missing: [], doubled: 0, extra: 0 });
  });
});
