import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copiedSegments, planExactCut } from "../../../services/split/domain/exact-plan.ts";
import { type ExactPlan, madeOf } from "../../../services/split/domain/exact-segment.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";

/** Groups of pictures in decode order, one character a packet: K a keyframe, P, and b a frame shown before the P or K that precedes it. */
function packets(pattern: string, { rate = 1, hidden = 0 } = {}): PacketIndex {
  const index = new PacketIndex();
  // Each b is shown before the reference in front of it; ranks follow.
  const order: number[] = [];
  let rank = 0;
  for (let at = 0; at < pattern.length; ) {
    let bs = 0;
    while (pattern[at + 1 + bs] === "b") bs += 1;
    order[at] = rank + bs;
    for (let b = 0; b < bs; b += 1) order[at + 1 + b] = rank + b;
    rank += bs + 1;
    at += bs + 1;
  }
  [...pattern].forEach((type, at) => {
    index.add({ time: order[at]! / rate, duration: 1 / rate, key: type === "K", shown: order[at]! >= hidden });
  });
  return index;
}

const plan = (index: PacketIndex, seconds: number): ExactPlan => planExactCut(index, seconds, 25)!;

const made = (index: PacketIndex, seconds: number) => plan(index, seconds).segments.map(madeOf);

describe("planning the exact cut", () => {
  it("copies everything where boundaries are on closed keyframes", () => {
    const index = packets("KPPPKPPPKPPP");
    expect(made(index, 4)).toEqual(["copied", "copied", "copied"]);
    expect(copiedSegments({ plan: plan(index, 4), index })).toEqual([
      { firstFrame: 0, frames: 4, firstFrameTime: 0 },
      { firstFrame: 4, frames: 4, firstFrameTime: 4 },
      { firstFrame: 8, frames: 4, firstFrameTime: 8 },
    ]);
  });

  it("copies frames of one sample description into a segment, those that are the most", () => {
    const index = new PacketIndex();
    [..."KPPPKPPPKPPPKPPP"].forEach((type, time) => {
      index.add({ time, duration: 1, key: type === "K", description: time < 4 ? 0 : 1 });
    });
    expect(made(index, 4)).toEqual(["copied", "copied", "copied", "copied"]);
    expect(copiedSegments({ plan: plan(index, 4), index })).toBeUndefined();
    expect(plan(index, 16).segments).toMatchObject([{ head: { from: 0, to: 4 }, copied: { from: 4, to: 16 } }]);
    expect(plan(index, 7).segments[0]).toMatchObject({ copied: { from: 0, to: 4 }, tail: { from: 4, to: 7 } });
  });

  it("starts segments on keyframes if that is requested", () => {
    const { segments } = planExactCut(packets("KPPPPPKPPPPPKPPPPP"), 4, 25, "keyframes")!;
    expect(segments).toMatchObject([
      { ranks: { from: 0, to: 6 }, requestedStart: 0, requestedEnd: 4 },
      { ranks: { from: 6, to: 12 }, requestedStart: 4, requestedEnd: 8 },
      { ranks: { from: 12, to: 18 }, requestedStart: 12 },
    ]);
    expect(segments.map(madeOf)).toEqual(["copied", "copied", "copied"]);
  });

  it("encodes up to the next keyframe if a boundary is inside a group, and copies the frames before it", () => {
    const [first, second] = plan(packets("KPPPPPKPPPPP"), 4).segments;
    expect(first).toMatchObject({ copied: { from: 0, to: 4 }, tail: { from: 4, to: 4 } });
    expect(second).toMatchObject({ head: { from: 4, to: 6 }, copied: { from: 6, to: 8 } });
  });

  it("encodes a tail only as far as frames lean on what comes after the boundary", () => {
    // Shown: K b b P b b P …; the boundary at 5 is between the two b of a pair.
    const [first] = plan(packets("KPbbPbbPbbKPbb"), 5).segments;
    expect(first).toMatchObject({ ranks: { from: 0, to: 5 }, copied: { from: 0, to: 4 }, tail: { from: 4, to: 5 } });
  });

  it("gives the leading pictures of an open group to the head", () => {
    // The second K is shown after its two b, which lean on the group before.
    const { segments } = plan(packets("KPPKbbPPKbbPP"), 4);
    expect(segments[1]).toMatchObject({
      ranks: { from: 4, to: 8 },
      head: { from: 4, to: 5 },
      copied: { from: 3, to: 8 },
    });
  });

  it("decodes each group once, for both sides of its boundary", () => {
    const { jobs } = plan(packets("KPbbPbbPbbKPbb"), 5);
    expect(jobs).toHaveLength(1);
    expect(jobs[0]?.parts).toEqual(
      [
        { from: 4, to: 5 },
        { from: 5, to: 10 },
      ].slice(0, jobs[0]?.parts.length),
    );
  });

  it("leaves out, and counts, frames before the first keyframe", () => {
    const index = packets("PPPKPPP");
    expect(plan(index, 2)).toMatchObject({ frames: 4, undecodable: 3, origin: 3 });
  });

  it("leaves hidden frames out, and decodes them for those that are shown", () => {
    const { segments, jobs, frames } = plan(packets("KPPPPPKPPPPP", { hidden: 2 }), 4);
    expect(frames).toBe(10);
    expect(segments[0]).toMatchObject({ head: { from: 0, to: 4 } });
    expect(jobs[0]?.packets.from).toBe(0);
  });

  it("has no plan where two frames are shown at one time", () => {
    const index = new PacketIndex();
    for (let n = 0; n < 8; n += 1) index.add({ time: Math.floor(n / 2), duration: 1, key: n === 0 });
    expect(planExactCut(index, 2, 25)).toBeUndefined();
  });

  it("adds a remainder shorter than half a second to the segment before it", () => {
    const index = packets(`K${"P".repeat(40)}`, { rate: 10 });
    expect(plan(index, 2).segments.map(({ ranks }) => ranks)).toEqual([
      { from: 0, to: 20 },
      { from: 20, to: 41 },
    ]);
  });

  const groups = fc
    .array(
      fc.record({ length: fc.integer({ min: 0, max: 6 }), bs: fc.integer({ min: 0, max: 3 }), open: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((all) =>
      all
        .map(
          ({ length, bs, open }, at) =>
            `K${open && at > 0 ? "b".repeat(bs) : ""}${`P${"b".repeat(bs)}`.repeat(length)}`,
        )
        .join(""),
    );

  it("puts every frame into exactly one part of one segment, in its window, and decodes all that it encodes (property)", () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 2, max: 9 }), (pattern, seconds) => {
        const index = packets(pattern);
        const { segments, jobs, rankOf, packetOf, frames } = plan(index, seconds);
        const parts = segments.flatMap(({ head, copied, tail }) => {
          const range = ({ from, to }: { from: number; to: number }) =>
            Array.from({ length: to - from }, (_, n) => from + n);
          const ranks = copied === undefined ? [] : range(copied).map((packet) => rankOf[packet]!);
          const first = copied === undefined ? 0 : rankOf[copied.from]!;
          return [...range(head), ...ranks.filter((rank) => rank >= first).sort((a, b) => a - b), ...range(tail)];
        });
        expect(parts).toEqual(Array.from({ length: frames }, (_, rank) => rank));
        for (const { ranks, requestedStart } of segments) {
          for (let rank = ranks.from; rank < ranks.to; rank += 1) expect(rank).toBeGreaterThanOrEqual(requestedStart);
        }
        for (const { packets: fed, parts: encoded } of jobs) {
          expect(index.isKey(fed.from)).toBe(true);
          for (const { from, to } of encoded) {
            for (let rank = from; rank < to; rank += 1) {
              expect(packetOf[rank]).toBeGreaterThanOrEqual(fed.from);
              expect(packetOf[rank]).toBeLessThan(fed.to);
            }
          }
        }
      }),
    );
  });
});
