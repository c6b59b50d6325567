import { describe, expect, it } from "vitest";
import { amrFramesOf, splitPcm } from "../../../services/ffmpeg/assembly/split-audio-packets.ts";

/** An AMR frame of a mode, which is in four bits of the first byte. */
const amr = (mode: number, bytes: number): Buffer =>
  Buffer.concat([Buffer.from([mode << 3]), Buffer.alloc(bytes - 1, mode)]);

describe("AMR packets", () => {
  it("are split into frames of 20 ms, whatever their modes", () => {
    const frames = [amr(7, 32), amr(0, 13), amr(15, 1), amr(7, 32)];
    const divided = amrFramesOf("amr_nb", { time: 2, duration: 0.1, data: Buffer.concat(frames) });
    expect(divided.map(({ data }) => data)).toEqual(frames);
    expect(divided.map(({ time, duration }) => [time.toFixed(2), duration])).toEqual([
      ["2.00", 0.02],
      ["2.02", 0.02],
      ["2.04", 0.02],
      ["2.06", 0.02],
    ]);
    const wide = [amr(8, 61), amr(0, 18)];
    expect(amrFramesOf("amr_wb", { time: 0, duration: 0.04, data: Buffer.concat(wide) })).toHaveLength(2);
  });

  it("aren't split when they don't consist of frames, nor are those of other codecs", () => {
    const cut = { time: 0, duration: 0.04, data: amr(7, 32).subarray(0, 20) };
    expect(amrFramesOf("amr_nb", cut)).toEqual([cut]);
    const unknown = { time: 0, duration: 0.04, data: amr(12, 40) };
    expect(amrFramesOf("amr_nb", unknown)).toEqual([unknown]);
    const aac = { time: 0, duration: 0.02, data: amr(7, 64) };
    expect(amrFramesOf("aac", aac)).toEqual([aac]);
  });
});

describe("a PCM packet", () => {
  const packet = { time: 1, duration: 0.01, data: Buffer.from(Array.from({ length: 40 }, (_, byte) => byte)) };

  it("is split before the first sample at or after a time", () => {
    // Ten samples of four bytes, a millisecond each.
    const [before, after] = splitPcm(packet, 1.0034, 1_000)!;
    expect([before.data.length, after.data.length, after.data[0]]).toEqual([16, 24, 16]);
    expect(after.time).toBeCloseTo(1.004, 9);
    expect(before.duration + after.duration).toBeCloseTo(0.01, 9);
    expect(splitPcm(packet, 1.004, 1_000)![0].data).toHaveLength(16);
  });

  it("isn't split when the time is outside of it, or it has incomplete samples", () => {
    expect(splitPcm(packet, 1, 1_000)).toBeUndefined();
    expect(splitPcm(packet, 1.01, 1_000)).toBeUndefined();
    expect(splitPcm({ ...packet, data: packet.data.subarray(1) }, 1.005, 1_000)).toBeUndefined();
    expect(splitPcm({ ...packet, duration: 0 }, 1.005, 1_000)).toBeUndefined();
  });
});
