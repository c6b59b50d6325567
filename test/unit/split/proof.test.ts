import { describe, expect, it } from "vitest";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import {
  largestAudioGap,
  largestDeviation,
  type SegmentAudio,
  type SegmentProof,
} from "../../../services/split/domain/proof.ts";
import type { SplitPlan } from "../../../services/split/plan-cut.ts";
import { resultOf } from "../../../services/split/split-result.ts";

const shownAt = (...times: number[]): PacketIndex => {
  const index = new PacketIndex();
  for (const time of times) index.add({ time, duration: undefined, key: false });
  return index;
};

describe("how far a boundary is from the first frame at or after the requested time", () => {
  it("is 0 for the exact frame, whatever the order of the packets and the start of the clock", () => {
    const index = shownAt(10, 12, 11, 14, 13);
    const boundaries = [
      { requestedStart: 0, start: 0 },
      { requestedStart: 2, start: 2 },
    ];
    expect(largestDeviation(boundaries, index, 10)).toBe(0);
  });

  it("is 0 if the requested time is between two frames and the later one begins the segment", () => {
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

describe("the result of a split", () => {
  /** Three segments of a frame each, cut at keyframes. */
  const plan = {
    cut: { kind: "keyframe" },
    segments: [0, 1, 2].map((index) => ({ index, requestedStart: index })),
    ...{ frames: 3, undecodable: 0, isCountedByPackets: true, duration: 3, origin: 0 },
  } as unknown as SplitPlan;
  const scanned = { index: shownAt(0, 1, 2), truncated: false };
  const result = (proofs: SegmentProof[], undecodableFrom?: number) =>
    resultOf(plan, { proofs, undecodableFrom }, scanned);
  const whole = [withAudio(0, 1), withAudio(1, 2), withAudio(2, 3)];

  it("is proved by segments that hold each frame, and audio without gaps", () => {
    expect(result(whole)).toMatchObject({ segments: 3, duration: 3, frames: 3, proof: { max_audio_gap_ms: 0 } });
  });

  it("counts anchored frames, and has the least PSNR of those that were measured", () => {
    const anchored = whole.map((proof, at) =>
      at === 0 ? proof : { ...proof, anchoredFrames: 20, leastPsnr: 50.06 - at },
    );
    expect(result(anchored).proof).toMatchObject({ anchored_frames: 40, least_psnr: 48 });
    expect(result(whole).proof).not.toHaveProperty("anchored_frames");
    expect(result(whole).proof).not.toHaveProperty("least_psnr");
  });

  it("is none where the audio has a gap of more than 25 ms that the source doesn't have", () => {
    const within = [...whole.slice(0, 2), withAudio(2.02, 3)];
    expect(result(within)).toMatchObject({ proof: { max_audio_gap_ms: 20 } });
    expect(() => result([...whole.slice(0, 2), withAudio(2.03, 3)])).toThrow(
      expect.objectContaining({ reason: "ProofFailed", message: expect.stringContaining("a gap of 30 ms") }),
    );
  });

  it("is none where a keyframe cut holds more or fewer frames than the video", () => {
    const more = [...whole.slice(0, 2), { ...withAudio(2, 3), frames: 2 }];
    expect(() => result(more)).toThrow(
      expect.objectContaining({ reason: "ProofFailed", message: expect.stringContaining("hold 4 frames") }),
    );
  });

  it("is none where nothing was made", () => {
    expect(() => result([], 0)).toThrow(expect.objectContaining({ reason: "UnreadableMedia" }));
  });
});
