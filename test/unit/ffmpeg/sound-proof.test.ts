import { describe, expect, it } from "vitest";
import { proveTrack, SoundContinuity, type SourceSound } from "../../../services/ffmpeg/proof/sound-proof.ts";
import type { SegmentSound } from "../../../services/split/domain/proof.ts";

const PACKET = 0.02;

/** A second of sound in packets of 20 ms, `from` seconds from the segment's first frame. */
const source = (from = 0, count = 50): SourceSound[] =>
  Array.from({ length: count }, (_, at) => ({ time: from + at * PACKET, duration: PACKET, gap: 0, isPlayed: true }));

const foundIn = (packets: readonly SourceSound[], late = 0) =>
  packets.map(({ time, duration }) => ({ time: time + late, duration }));

const PLACE = { begin: 0, start: 4, hidesNegative: true };

const prove = (packets: SourceSound[], found = foundIn(packets), isPacked = true, place = PLACE) =>
  proveTrack(0, { packets, isPacked }, found, place);

describe("the proof of a track of sound", () => {
  it("measures what is played, from the video's first frame", () => {
    const { offset, sound } = prove(source());
    expect(offset).toBe(0);
    expect(sound).toMatchObject({ gapBefore: 0 });
    expect(sound!.start).toBeCloseTo(4, 9);
    expect(sound!.end).toBeCloseTo(5, 9);
    expect(sound!.largestGap).toBeCloseTo(0, 9);
  });

  it("counts from the picture, where that begins later in the file", () => {
    const place = { ...PLACE, begin: 1.5 };
    const packets = source(-1.5, 100);
    const { sound } = prove(packets, foundIn(packets, 1.5), true, place);
    expect(sound!.start).toBeCloseTo(2.5, 9);
    expect(sound!.end).toBeCloseTo(4.5, 9);
  });

  it("fails where packets are missing", () => {
    const packets = source();
    expect(() => prove(packets, foundIn(packets.slice(0, -4)))).toThrow("has 46 packets, and 50 belong into it");
  });

  it("fails where sound that is packed anew is 75 ms short, at its start, at its end or in the middle", () => {
    const packets = source();
    const of = (from: number, to: number) => ({ time: from, duration: to - from });
    expect(prove(packets, [of(0, 0.5), of(0.5, 1)], false).sound!.largestGap).toBeCloseTo(0, 9);
    for (const short of [[of(0, 0.925)], [of(0, 0.5), of(0.575, 1)], [of(0.035, 0.96)]])
      expect(() => prove(packets, short, false)).toThrow(/has a hole of \d+ ms/);
  });

  it("has no hole where times and durations are rounded to milliseconds, and fails for one of two packets", () => {
    const length = 1_024 / 44_100;
    const rounded = (seconds: number) => Math.round(seconds * 1_000) / 1_000;
    const packets = source(0, 400).map((packet, at) => ({
      ...packet,
      time: rounded(at * length),
      duration: rounded(length * 1.03),
    }));
    const found = packets.map(({ time }) => ({ time, duration: length }));
    expect(prove(packets, found, false).sound!.largestGap).toBeLessThan(0.002);
    const holed = found.map(({ time, duration }, at) => ({ time, duration: at === 200 ? 0 : duration }));
    expect(() =>
      prove(
        packets,
        holed.filter((_, at) => at !== 201),
        false,
      ),
    ).toThrow(/has a hole of 4[67] ms/);
  });

  it("fails where sound is out of step with the picture", () => {
    const packets = source();
    expect(() => prove(packets, foundIn(packets, 0.05))).toThrow("the sound is 50 ms out of step");
    expect(() => prove(packets, foundIn(packets, 0.05), false)).toThrow("the sound is 50 ms out of step");
  });

  it("has the holes that the source has", () => {
    const packets = source().map((packet, at) => (at < 25 ? packet : { ...packet, time: packet.time + 0.3 }));
    packets[25]!.gap = 0.3;
    expect(prove(packets).sound!.largestGap).toBeCloseTo(0, 9);
    packets[25]!.gap = 0;
    expect(() => prove(packets)).toThrow("has a hole of 300 ms that the source hasn't");
  });

  it("isn't played where the source hides it, or an edit list does", () => {
    const hidden = source(-0.02, 1).map((packet) => ({ ...packet, isPlayed: false }));
    const { sound } = prove([...hidden, ...source()]);
    expect(sound!.start).toBeCloseTo(4, 9);
    expect(prove(hidden).sound).toBeUndefined();
  });
});

const span = (start: number, end: number, gapBefore = 0): SegmentSound => ({ start, end, gapBefore, largestGap: 0 });

describe("sound over the joints of segments", () => {
  it("goes on, overlaps, or has the hole that the source has", () => {
    const continuity = new SoundContinuity();
    for (const sound of [span(0, 2), span(2.02, 4), span(3.98, 6), span(7, 8, 1)]) continuity.add({ sound: [sound] });
  });

  it("fails where 75 ms of it are before an edit list, in the second of two tracks too", () => {
    const continuity = new SoundContinuity();
    continuity.add({ sound: [span(0, 2), span(0, 1.925)] });
    expect(() => continuity.add({ sound: [span(2, 4), span(2, 4)] })).toThrow("audio track 1 has a hole of 75 ms");
  });
});
