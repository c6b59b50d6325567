import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { scanPackets } from "../../../services/ffmpeg/source/scan-packets.ts";
import { RejectedVideo } from "../../../services/video/errors.ts";
import { NEVER } from "../../fixtures/cut.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/**
 * A script instead of ffprobe that prints packets endlessly; its process id is in a file beside it.
 */
async function endlessProbe(): Promise<string> {
  return standIn(await temporaryFolder(), 'echo $$ > "$0.pid"\nexec yes 0.040000,0.040000,0.040000,564,K__');
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("scanning a file with too many packets", () => {
  it("is rejected, and ends the program", async () => {
    const rejection = new RejectedVideo("TooManySegments", "The video has more than 100000 frames.");
    let count = 0;
    const binary = await endlessProbe();
    const scan = scanPackets({
      binary,
      address: { url: "http://source.invalid/video", port: 1, secret: "secret" },
      stream: 0,
      format: "matroska,webm",
      signal: NEVER,
      onPacket: () => {
        count += 1;
        if (count > 100_000) throw rejection;
      },
    });
    await expect(scan).rejects.toBe(rejection);
    expect(count).toBe(100_001);
    expect(isRunning(Number(await readFile(`${binary}.pid`, "utf8")))).toBe(false);
  });
});
