import { statfs } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { freeOnDisk } from "../../../services/ffmpeg/source/free-space.ts";

describe("free space", () => {
  it("of a disk is what the system says", async () => {
    const { bavail, bsize } = await statfs(import.meta.dirname);
    const free = await freeOnDisk(import.meta.dirname);
    // Others write to it meanwhile.
    expect(Math.abs(free - bavail * bsize)).toBeLessThan(2 ** 30);
  });

  it.runIf(process.platform === "linux")("is none where the folder is in memory", async () => {
    expect(await freeOnDisk("/dev/shm")).toBe(0);
  });
});
