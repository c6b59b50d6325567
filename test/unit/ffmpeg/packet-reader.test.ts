import { describe, expect, it } from "vitest";
import { packetReader } from "../../../services/ffmpeg/source/scan-packets.ts";

const read = (format: string, lines: string[]) => lines.map(packetReader(format));

describe("reading ffprobe's packet lines", () => {
  it("reads presentation time, duration and the key flag", () => {
    expect(read("mov,mp4", ["0.083333,0.000000,0.041667,N/A,K__", "0.250000,0.041667,0.041667,N/A,___"])).toEqual([
      { time: 0.083333, duration: 0.041667, key: true, shown: true },
      { time: 0.25, duration: 0.041667, key: false, shown: true },
    ]);
  });

  it("reads that a frame is hidden by an edit list", () => {
    const packets = read("mov,mp4", ["0.000000,0.000000,0.040000,N/A,KD_", "0.040000,0.040000,0.040000,N/A,_D"]);
    expect(packets.map((packet) => packet?.shown)).toEqual([false, false]);
  });

  it("uses the decode time when the container has no presentation times (AVI)", () => {
    expect(read("avi", ["N/A,0.040000,0.040000,N/A,K_"])).toMatchObject([{ time: 0.04, duration: 0.04, key: true }]);
  });

  it("returns undefined for a missing duration", () => {
    expect(read("matroska,webm", ["0.000000,0.000000,N/A,N/A,K_"])).toMatchObject([
      { time: 0, duration: undefined, key: true },
    ]);
  });

  it("removes a jump of a broadcast stream's clock, as ffmpeg does when it cuts", () => {
    const lines = [
      "95000.000000,95000.000000,0.040000,N/A,K_",
      "10.000000,10.000000,0.040000,N/A,K_",
      "10.040000,10.040000,0.040000,N/A,__",
    ];
    const times = read("mpegts", lines).map((packet) => packet?.time.toFixed(3));
    expect(times).toEqual(["95000.000", "95000.040", "95000.080"]);
  });

  it("keeps a long gap in a file whose clock can't jump", () => {
    const lines = ["0.000000,0.000000,0.040000,N/A,K_", "60.000000,60.000000,0.040000,N/A,K_"];
    expect(read("mov,mp4", lines).map((packet) => packet?.time)).toEqual([0, 60]);
  });

  it("skips lines that aren't packets", () => {
    expect(read("mov,mp4", ["", "side_data"])).toEqual([undefined, undefined]);
  });
});
