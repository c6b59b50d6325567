import { describe, expect, it } from "vitest";
import { assertTime, rangeOf, SeekError } from "../../../services/ffmpeg/source/seek-point.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import { planCut } from "../../../services/split/plan-cut.ts";

const BYTES = 2 ** 20;

/** A keyframe each second at 4 frames a second, each of one MB. */
function frames(count: number): PacketIndex {
  const index = new PacketIndex();
  for (let packet = 0; packet < count; packet += 1)
    index.add({ time: packet / 4, duration: 0.25, key: packet % 4 === 0, position: packet * BYTES });
  return index;
}

const cutOf = (cut: "keyframe" | "exact", segmentSeconds: number) =>
  planCut(frames(40), { cut, segmentSeconds, outputKeyPrefix: "" }, { averageFps: 4 }).cut;

const seekTo = (packet: number) => ({
  options: [],
  packet,
  needed: packet + 4,
  time: packet / 4,
  start: Buffer.alloc(0),
});

describe("the time of a packet that is read after a seek", () => {
  it("is that of the index, from the first needed packet on", () => {
    const seek = seekTo(4);
    expect(() => assertTime(9, 5, seek, frames(40))).not.toThrow();
    expect(() => assertTime(2.00001, 8, seek, frames(40))).not.toThrow();
    expect(() => assertTime(2.25, 8, seek, frames(40))).toThrow(SeekError);
    expect(() => assertTime(10, 40, seek, frames(40))).toThrow(SeekError);
  });
});

describe("the bytes of a range of segments", () => {
  it.each([
    ["keyframe", 3, 1, 24],
    ["exact", 3, 1, 24],
    // Without B-frames, the frames up to the boundary in the middle of a group are copied.
    ["exact", 2.625, 1, 21],
  ] as const)("end behind the last packet that is needed (%s, each %f s)", (kind, segmentSeconds, last, packet) => {
    const cut = cutOf(kind, segmentSeconds);
    expect(rangeOf(cut, undefined, last)).toEqual({ start: undefined, end: packet * BYTES });
    expect(rangeOf(cut, seekTo(8), last)).toMatchObject({ start: 7 * BYTES });
  });

  it("reach to the source's end for its last segment", () => {
    for (const kind of ["keyframe", "exact"] as const)
      expect(rangeOf(cutOf(kind, 5), undefined, 1)).toEqual({ start: undefined, end: undefined });
  });
});
