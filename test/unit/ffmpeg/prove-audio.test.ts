import { describe, expect, it } from "vitest";
import { AudioContinuity, proveTrack, type SourceAudioPacket } from "../../../services/ffmpeg/proof/prove-audio.ts";
import type { SegmentAudio } from "../../../services/split/domain/proof.ts";

const PACKET = 0.02;

/** A second of audio in packets of 20 ms, `from` seconds from the segment's first frame. */
const source = (from = 0, count = 50): SourceAudioPacket[] =>
  Array.from({ length: count }, (_, at) => ({ time: from + at * PACKET, duration: PACKET, gap: 0, isPlayed: true }));

const foundIn = (packets: readonly SourceAudioPacket[], late = 0) =>
  packets.map(({ time, duration }) => ({ time: time + late, duration }));

const PLACE = { begin: 0, start: 4, hidesNegative: true };

const prove = (packets: SourceAudioPacket[], found = foundIn(packets), isPacked = true, place = PLACE) =>
  proveTrack(0, { packets, isPacked }, found, place);

describe("the proof of an audio track", () => {
  it("measures the audible audio, from the first video frame", () => {
    const { offset, audio } = prove(source());
    expect(offset).toBe(0);
    expect(audio).toMatchObject({ gapBefore: 0 });
    expect(audio!.start).toBeCloseTo(4, 9);
    expect(audio!.end).toBeCloseTo(5, 9);
    expect(audio!.largestGap).toBeCloseTo(0, 9);
  });

  it("counts from the video when that begins later in the file", () => {
    const place = { ...PLACE, begin: 1.5 };
    const packets = source(-1.5, 100);
    const { audio } = prove(packets, foundIn(packets, 1.5), true, place);
    expect(audio!.start).toBeCloseTo(2.5, 9);
    expect(audio!.end).toBeCloseTo(4.5, 9);
  });

  it("fails when packets are missing", () => {
    const packets = source();
    expect(() => prove(packets, foundIn(packets.slice(0, -4)))).toThrow("has 46 packets instead of 50");
  });

  it("fails when PCM is 75 ms short, at its start, at its end or in the middle", () => {
    const packets = source();
    const of = (from: number, to: number) => ({ time: from, duration: to - from });
    expect(prove(packets, [of(0, 0.5), of(0.5, 1)], false).audio!.largestGap).toBeCloseTo(0, 9);
    for (const short of [[of(0, 0.925)], [of(0, 0.5), of(0.575, 1)], [of(0.035, 0.96)]])
      expect(() => prove(packets, short, false)).toThrow(/has a gap of \d+ ms/);
  });

  it("has no gap when times and durations are rounded to milliseconds, and fails for one of two packets", () => {
    const length = 1_024 / 44_100;
    const rounded = (seconds: number) => Math.round(seconds * 1_000) / 1_000;
    const packets = source(0, 400).map((packet, at) => ({
      ...packet,
      time: rounded(at * length),
      duration: rounded(length * 1.03),
    }));
    const found = packets.map(({ time }) => ({ time, duration: length }));
    expect(prove(packets, found, false).audio!.largestGap).toBeLessThan(0.002);
    const gapped = found.map(({ time, duration }, at) => ({ time, duration: at === 200 ? 0 : duration }));
    expect(() =>
      prove(
        packets,
        gapped.filter((_, at) => at !== 201),
        false,
      ),
    ).toThrow(/has a gap of 4[67] ms/);
  });

  it("fails when audio is out of sync with the video", () => {
    const packets = source();
    expect(() => prove(packets, foundIn(packets, 0.05))).toThrow("the audio is 50 ms out of sync");
    expect(() => prove(packets, foundIn(packets, 0.05), false)).toThrow("the audio is 50 ms out of sync");
  });

  it("accepts the gaps of the source", () => {
    const packets = source().map((packet, at) => (at < 25 ? packet : { ...packet, time: packet.time + 0.3 }));
    packets[25]!.gap = 0.3;
    expect(prove(packets).audio!.largestGap).toBeCloseTo(0, 9);
    packets[25]!.gap = 0;
    expect(() => prove(packets)).toThrow("has a gap of 300 ms that the source doesn't have");
  });

  it("ignores audio that the source or an edit list hides", () => {
    const hidden = source(-0.02, 1).map((packet) => ({ ...packet, isPlayed: false }));
    const { audio } = prove([...hidden, ...source()]);
    expect(audio!.start).toBeCloseTo(4, 9);
    expect(prove(hidden).audio).toBeUndefined();
  });
});

const span = (start: number, end: number, gapBefore = 0): SegmentAudio => ({ start, end, gapBefore, largestGap: 0 });

describe("audio across segment boundaries", () => {
  it("continues, overlaps, or has the gap of the source", () => {
    const continuity = new AudioContinuity();
    for (const audio of [span(0, 2), span(2.02, 4), span(3.98, 6), span(7, 8, 1)]) continuity.add({ audio: [audio] });
  });

  it("fails when 75 ms of it are hidden by an edit list, in the second of two tracks too", () => {
    const continuity = new AudioContinuity();
    continuity.add({ audio: [span(0, 2), span(0, 1.925)] });
    expect(() => continuity.add({ audio: [span(2, 4), span(2, 4)] })).toThrow("audio track 1 has a gap of 75 ms");
  });
});
