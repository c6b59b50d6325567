import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findBinaries, MissingBinaryError } from "../../../services/ffmpeg/index.ts";
import { binaries } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

async function script(folder: string, name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("finding ffmpeg", () => {
  it("takes what the environment names before anything else", async () => {
    const folder = await temporaryFolder();
    const ffmpegPath = await script(folder, "my-ffmpeg", "exit 0");
    const { ffprobe } = await binaries;
    expect(await findBinaries({ ffmpegPath, ffprobePath: ffprobe, path: "" })).toEqual({ ffmpeg: ffmpegPath, ffprobe });
  });

  it("says what is wrong with a named one that doesn't run, rather than taking another", async () => {
    const folder = await temporaryFolder();
    const ffmpegPath = await script(folder, "ffmpeg", "exit 3");
    const failure = findBinaries({ ffmpegPath, path: process.env.PATH });
    await expect(failure).rejects.toBeInstanceOf(MissingBinaryError);
    await expect(failure).rejects.toThrow(/apt-get install ffmpeg.*FFMPEG_PATH/);
  });

  it("falls back to the npm-shipped ones where PATH has one that doesn't run", async () => {
    const folder = await temporaryFolder();
    await script(folder, "ffprobe", "exit 1");
    const found = await findBinaries({ ffmpegPath: (await binaries).ffmpeg, path: folder });
    expect(found.ffprobe).toContain("@ffprobe-installer");
  });
});
