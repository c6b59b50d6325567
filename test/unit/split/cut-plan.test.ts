import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_SEGMENTS } from "#events-schema";
import { keyframePlanner, type PlannedPacket } from "../../../services/split/domain/cut-plan.ts";

const plan = (segmentSeconds: number, packets: PlannedPacket[]) => {
  const planner = keyframePlanner(segmentSeconds);
  for (const packet of packets) planner.add(packet);
  return planner.finish(25);
};

/** Frames at a constant rate, a keyframe every `gop` frames. */
const constant = (frames: number, { fps = 25, gop = 25, start = 0 } = {}): PlannedPacket[] =>
  Array.from({ length: frames }, (_, n) => ({ time: start + n / fps, duration: 1 / fps, key: n % gop === 0 }));

const windows = (segmentSeconds: number, packets: PlannedPacket[]) =>
  plan(segmentSeconds, packets)?.segments.map(({ requestedStart, requestedEnd, start, end }) => [
    requestedStart,
    requestedEnd,
    start,
    end,
  ]);

describe("planning a cut on keyframes", () => {
  it("cuts on k times the segment length where keyframes are there", () => {
    expect(windows(2, constant(150))).toEqual([
      [0, 2, 0, 2],
      [2, 4, 2, 4],
      [4, 6, 4, 6],
    ]);
  });

  it("moves a boundary to the first keyframe at or after it, and makes no segment of windows without one", () => {
    // Keyframes at 0, 5 and 10 seconds: the boundaries 2 and 4 both move to 5, and 6 and 8 to 10.
    expect(windows(2, constant(300, { gop: 125 }))).toEqual([
      [0, 2, 0, 5],
      [4, 6, 5, 10],
      [10, 12, 10, 12],
    ]);
  });

  it("counts time from the first video frame, wherever the container's clock starts", () => {
    const [first, second] = windows(2, constant(100, { start: 16 }))!;
    expect(first).toEqual([0, 2, 0, 2]);
    expect(second?.map((time) => Math.round(time * 1e6) / 1e6)).toEqual([2, 4, 2, 4]);
  });

  it("counts from a frame that is shown before the first keyframe", () => {
    const leading = [
      { time: 0.08, duration: 0.04, key: true },
      { time: 0, duration: 0.04, key: false },
      { time: 0.04, duration: 0.04, key: false },
      { time: 1.0, duration: 1, key: true },
    ];
    expect(windows(1, leading)?.[1]?.[2]).toBeCloseTo(1);
  });

  it("adds a remainder shorter than half a second to the segment before it", () => {
    expect(windows(2, constant(100 + 12))).toEqual([
      [0, 2, 0, 2],
      [2, 4.48, 2, 4.48],
    ]);
    expect(windows(2, constant(100 + 13))).toHaveLength(3);
  });

  it("treats a keyframe that a millisecond clock put just before the boundary as one on it", () => {
    const packets = [0, 1.999, 4.001].map((time) => ({ time, duration: 1, key: true }));
    expect(windows(2, packets)).toHaveLength(3);
    expect(
      windows(
        2,
        [0, 1.99, 4].map((time) => ({ time, duration: 1, key: true })),
      ),
    ).toHaveLength(2);
  });

  it("gives a lone frame the length of one frame", () => {
    expect(plan(2, [{ time: 3, duration: undefined, key: true }])).toMatchObject({ frames: 1, duration: 1 / 25 });
  });

  it("has no plan for no frame", () => {
    expect(plan(2, [])).toBeUndefined();
  });

  it("reports too many segments without keeping more than one above the limit", () => {
    const result = plan(1, constant(MAX_SEGMENTS + 1_000, { fps: 1, gop: 1 }));
    expect(result?.segments).toHaveLength(MAX_SEGMENTS + 1);
    expect(result?.frames).toBe(MAX_SEGMENTS + 1_000);
    expect(plan(1, constant(MAX_SEGMENTS, { fps: 1, gop: 1 }))?.segments).toHaveLength(MAX_SEGMENTS);
  });

  it("puts every frame into exactly one segment, in order, each of them starting on a keyframe at or after its boundary", () => {
    const packets = fc
      .array(fc.record({ gap: fc.integer({ min: 1, max: 3_000 }), key: fc.boolean() }), {
        minLength: 1,
        maxLength: 300,
      })
      .map((steps) => {
        let time = 0;
        return steps.map(({ gap, key }, n): PlannedPacket => {
          time += gap;
          return { time: time / 1_000, duration: undefined, key: n === 0 || key };
        });
      });
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 20 }), (frames, halves) => {
        const seconds = halves / 2;
        const { segments, frames: counted, duration } = plan(seconds, frames)!;
        expect(counted).toBe(frames.length);
        expect(segments.reduce((sum, segment) => sum + segment.frames, 0)).toBe(frames.length);
        const origin = frames[0]!.time;
        segments.forEach((segment, index) => {
          const first = frames[segment.firstFrame]!;
          const previous = segments[index - 1];
          expect(segment.index).toBe(index);
          expect(segment.firstFrame).toBe(previous === undefined ? 0 : previous.firstFrame + previous.frames);
          expect(segment.start).toBeCloseTo(first.time - origin, 6);
          if (previous === undefined) return;
          expect(first.key).toBe(true);
          expect(first.time - origin).toBeGreaterThanOrEqual(segment.requestedStart - 0.001_001);
          // No keyframe between the boundary and where it moved to.
          const skipped = frames.filter(
            ({ time, key }) =>
              key && time - origin >= segment.requestedStart && time < first.time && time - origin > previous.start,
          );
          expect(skipped).toEqual([]);
        });
        expect(segments.at(-1)!.end).toBeCloseTo(duration, 6);
      }),
    );
  });
});
