import { describe, expect, it } from "vitest";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import { largestAudioGap, largestDeviation, type SegmentAudio } from "../../../services/split/domain/proof.ts";

const shownAt = (...times: number[]): PacketIndex => {
  const index = new PacketIndex();
  for (const time of times) index.add({ time, duration: undefined, key: false });
  return index;
};

describe("how far a boundary is from the first frame at or after the time asked for", () => {
  it("is nothing for the very frame, whatever the order of the packets and the start of the clock", () => {
    const index = shownAt(10, 12, 11, 14, 13);
    const boundaries = [
      { requestedStart: 0, start: 0 },
      { requestedStart: 2, start: 2 },
    ];
    expect(largestDeviation(boundaries, index, 10)).toBe(0);
  });

  it("is nothing where the time asked for is between two frames and the later one begins the segment", () => {
    expect(
      largestDeviation(
        [
          { requestedStart: 0, start: 0 },
          { requestedStart: 2, start: 2.5 },
        ],
        shownAt(0, 1.5, 2.5),
        0,
      ),
    ).toBe(0);
  });

  it("is the way to the keyframe otherwise", () => {
    expect(
      largestDeviation(
        [
          { requestedStart: 0, start: 0 },
          { requestedStart: 2, start: 3 },
        ],
        shownAt(0, 1, 2, 3),
        0,
      ),
    ).toBe(1);
  });
});

/** A segment whose audio is played from `start` to `end`. */
const withAudio = (start: number, end: number, more: Partial<SegmentAudio> = {}) => ({
  ...{ frames: 1, undecodable: 0, copiedFrames: 1, start, end, largestTimeError: 0, largestAudioOffset: 0 },
  audio: [{ start, end, gapBefore: 0, largestGap: 0, ...more }],
});

describe("the longest gap in the audio", () => {
  it("is between the end of one segment's audio and the start of the next one's", () => {
    expect(largestAudioGap([withAudio(0, 2), withAudio(2.075, 4), withAudio(4.01, 6)])).toBeCloseTo(0.075, 9);
  });

  it("doesn't include the source's own gap, and is 0 when audio overlaps", () => {
    expect(largestAudioGap([withAudio(0, 2), withAudio(3, 4, { gapBefore: 1 }), withAudio(3.98, 6)])).toBe(0);
  });

  it("may be inside a segment, or span one that has no audio", () => {
    expect(largestAudioGap([withAudio(0, 2, { largestGap: 0.5 }), withAudio(2, 4)])).toBe(0.5);
    expect(largestAudioGap([withAudio(0, 2), { ...withAudio(2, 4), audio: [null] }, withAudio(4, 6)])).toBe(2);
  });

  it("is unknown when a segment's audio wasn't measured", () => {
    expect(largestAudioGap([withAudio(0, 2), { ...withAudio(2, 4), audio: undefined }])).toBeUndefined();
  });
});
