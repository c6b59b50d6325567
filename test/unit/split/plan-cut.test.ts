import { describe, expect, it } from "vitest";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import { planCut } from "../../../services/split/plan-cut.ts";

const choice = (cut: "exact" | "keyframe", segmentSeconds = 2) => ({ cut, segmentSeconds, outputKeyPrefix: "" });

/** Four seconds of 25 frames a second, each in two packets of one field. */
function fields(): PacketIndex {
  const index = new PacketIndex();
  for (let field = 0; field < 200; field += 1) index.add({ time: field / 50, duration: 0.02, key: field % 50 === 0 });
  return index;
}

describe("planning a cut of fields", () => {
  it.each(["exact", "keyframe"] as const)("%s: frames are counted, and not packets", (cut) => {
    const plan = planCut(fields(), choice(cut), { averageFps: 25, isInterlaced: true });
    expect(plan).toMatchObject({ frames: 100, undecodable: 0, isCountedByPackets: false });
    expect(plan.segments).toHaveLength(2);
  });

  it("exact: nothing is copied by the times of fields", () => {
    const { cut } = planCut(fields(), choice("exact"), { averageFps: 25, isInterlaced: true });
    expect(cut).toMatchObject({ kind: "exact", plan: { jobs: undefined } });
  });

  it.each([
    ["a progressive picture of 50 frames a second", { averageFps: 50 }],
    ["a progressive picture whose header is wrong", { averageFps: 25 }],
    ["frames that hold both fields", { averageFps: 50, isInterlaced: true }],
    ["an interlaced picture without a rate", { averageFps: undefined, isInterlaced: true }],
  ])("%s: packets are frames", (_, video) => {
    expect(planCut(fields(), choice("exact"), video)).toMatchObject({ frames: 200, isCountedByPackets: true });
  });
});

describe("planning a cut of a file that begins in mid-stream", () => {
  /** One second of frames without a keyframe, then four seconds of groups. */
  function midStream(fieldsInPackets = false): PacketIndex {
    const index = new PacketIndex();
    const rate = fieldsInPackets ? 50 : 25;
    for (let packet = 0; packet < 5 * rate; packet += 1)
      index.add({ time: 100 + packet / rate, duration: 1 / rate, key: packet >= rate && packet % rate === 0 });
    return index;
  }

  it.each(["exact", "keyframe"] as const)("%s: time begins at the first keyframe", (cut) => {
    const plan = planCut(midStream(), choice(cut), { averageFps: 25 });
    expect(plan).toMatchObject({ origin: 101, frames: 100, undecodable: 25 });
    expect(plan.duration).toBeCloseTo(4, 6);
    expect(plan.segments.map(({ start }) => start)).toEqual([0, 2]);
  });

  it("keyframe: what comes before it is copied into the first segment", () => {
    const { cut } = planCut(midStream(), choice("keyframe"), { averageFps: 25 });
    expect(cut).toMatchObject({
      segments: [
        { firstFrame: 0, frames: 75 },
        { firstFrame: 75, frames: 50 },
      ],
    });
  });

  it("exact, of fields: the same", () => {
    const plan = planCut(midStream(true), choice("exact"), { averageFps: 25, isInterlaced: true });
    expect(plan).toMatchObject({ origin: 101, isCountedByPackets: false });
    expect(plan.duration).toBeCloseTo(4, 6);
  });
});

describe("planning a cut on keyframes of frames that are hidden", () => {
  it("is made as the exact cut is, on the same keyframes", () => {
    const index = new PacketIndex();
    for (let frame = 0; frame < 100; frame += 1)
      index.add({ time: frame / 25, duration: 0.04, key: frame % 30 === 0, shown: frame >= 10 });
    const { cut, segments, frames } = planCut(index, choice("keyframe", 1), { averageFps: 25 });
    expect(cut.kind).toBe("exact");
    expect(frames).toBe(90);
    expect(segments.map(({ start }) => start)).toEqual([0, 2].map((time) => expect.closeTo(time, 6)));
  });
});
