import { describe, expect, it } from "vitest";
import { runsOf } from "../../independent/audio.ts";
import { runsIn, segmentLengthFor } from "../../independent/inputs.ts";
import { psnr, rangesOf } from "../../independent/pixels.ts";
import { showinfoReader } from "../../independent/showinfo.ts";
import { isAdvanced } from "../../independent/timecode.ts";
import { findShift } from "../../independent/waveform.ts";

describe("a row of a table of cases", () => {
  it.each([
    ["a trait; exact --seconds 4", [{ cut: "exact", seconds: 4 }]],
    ["a clean TS; --seconds 4 or 3.5", [4, 3.5].map((seconds) => ({ cut: "exact", seconds }))],
    ["no IDR but the first; --cut keyframe --seconds 4", [{ cut: "keyframe", seconds: 4 }]],
    [
      "High, then Baseline; exact --seconds 5 or --cut keyframe --seconds 4",
      [
        { cut: "exact", seconds: 5 },
        { cut: "keyframe", seconds: 4 },
      ],
    ],
    ["boundary not on a keyframe, --seconds 4: said in passing", [{ cut: "exact", seconds: 4 }]],
    ["nothing about how", [{ cut: "exact", seconds: 4 }]],
  ])("%s", (text, runs) => expect(runsIn(text)).toEqual(runs));

  it("a long video has longer segments", () => expect([10, 301].map(segmentLengthFor)).toEqual([2, 60]));
});

/** As ffmpeg 5.1 prints it. */
const SHOWN = `[Parsed_showinfo_0 @ 0x55] [info] config in time_base: 1/90000, frame_rate: 25/1
[Parsed_showinfo_0 @ 0x55] [info] n:   0 pts:   1920 pts_time:0.0213333 pos:      564 fmt:yuv420p10le sar:0/1 s:256x144 i:P iskey:1 type:I 
[Parsed_showinfo_0 @ 0x55] [info]   side data - mastering display: has_primaries:1 has_luminance:1
[Parsed_showinfo_0 @ 0x55] [info]   side data - User Data Unregistered:
[Parsed_showinfo_0 @ 0x55] [info] color_range:tv color_space:bt2020nc color_primaries:bt2020 color_trc:smpte2084
[Parsed_showinfo_0 @ 0x55] [info] n:   1 pts:NOPTS pts_time:NOPTS   pos:      564 fmt:yuv420p10le sar:1/1 s:256x144 i:T iskey:0 type:P `;

describe("what the tools print", () => {
  it("is read frame by frame", () => {
    const { frames, listen } = showinfoReader();
    for (const line of SHOWN.split("\n")) listen(line);
    expect(frames).toEqual([
      {
        time: 1920 / 90_000,
        isKey: true,
        size: [256, 144],
        pixelFormat: "yuv420p10le",
        traits: {
          ...{ aspect: "1/1", fields: "P" },
          ...{ range: "tv", space: "bt2020nc", primaries: "bt2020", transfer: "smpte2084" },
        },
        sideData: ["mastering display"],
      },
      expect.objectContaining({ time: Number.NaN, isKey: false, traits: { aspect: "1/1", fields: "T" } }),
    ]);
  });

  it("blocks of audio whose times are rounded are one run; a pause starts another", () => {
    const block = (start: number) => ({ start, length: 1024 });
    const runs = runsOf([block(0), block(0.021), block(0.043), block(1)], 48_000);
    expect(runs).toEqual([
      { start: 0, length: 3072, at: 0 },
      { start: 1, length: 1024, at: 3072 },
    ]);
  });
});

describe("arithmetic", () => {
  it("PSNR is the peak over the mean square error, at any depth", () => {
    const [one, other] = [new Uint8Array(100).fill(10), new Uint8Array(100).fill(11)];
    expect(psnr(one, other, 8)).toBeCloseTo(20 * Math.log10(255));
    expect(psnr(one, one, 8)).toBe(Number.POSITIVE_INFINITY);
    const deep = (value: number) => new Uint8Array(new Uint16Array(50).fill(value).buffer);
    expect(psnr(deep(500), deep(502), 10)).toBeCloseTo(20 * Math.log10(1023 / 2));
  });

  it("ordinals become ranges, and the smallest gaps are filled where they are many", () => {
    expect(rangesOf([1, 2, 3, 7])).toEqual([
      { from: 1, to: 3 },
      { from: 7, to: 7 },
    ]);
    expect(rangesOf([1, 3, 10, 20], 2)).toEqual([
      { from: 1, to: 10 },
      { from: 20, to: 20 },
    ]);
  });

  it("a timecode is advanced by frames, dropped numbers left out", () => {
    expect(isAdvanced("01:00:00:00", "01:00:04:00", 100, 25)).toBe(true);
    expect(isAdvanced("01:00:00:00", "01:00:00:00", 100, 25)).toBe(false);
    expect(isAdvanced("00:00:59;29", "00:01:00;02", 1, 30_000 / 1001)).toBe(true);
  });

  it("finds the shift of audio, also of a tone", () => {
    const noise = Float64Array.from({ length: 12_000 }, (_, at) => Math.sin(at * at * 0.37) * 1000);
    expect(findShift(noise.slice(2_000 + 33, 8_000), noise, 2_000)).toMatchObject({ shift: 33 });
    const tone = Float64Array.from({ length: 12_000 }, (_, at) => Math.sin((at * Math.PI) / 50) * 1000);
    expect(findShift(tone.slice(2_000, 8_000), tone, 2_000)).toMatchObject({ shift: 0 });
  });
});
