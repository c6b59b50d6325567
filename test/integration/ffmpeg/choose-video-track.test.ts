import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NEVER, openFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const video = (size: string) => ["-f", "lavfi", "-i", `testsrc2=duration=1:size=${size}:rate=25`];
const BOTH = ["-map", "0:v", "-map", "1:v", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];

async function make(name: string, ...options: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...video("160x90"), ...video("128x72"), ...BOTH, ...options, path);
  return path;
}

/** The tracks of a file that are split, and those that are left out. */
async function choiceOf(path: string) {
  const media = await openFile(path);
  try {
    const { description } = await media.describe(NEVER);
    return { chosen: description.video?.index, others: description.others.map(({ index }) => index) };
  } finally {
    await media.close();
  }
}

const TABLES = ["stts", "stss", "stsc", "stsz", "stco", "ctts"];

/** Removes all samples from the first track of an MP4: its tables get no entries. */
async function emptyFirstTrack(path: string): Promise<void> {
  const bytes = await readFile(path);
  const end = bytes.indexOf("trak", bytes.indexOf("trak", bytes.indexOf("moov")) + 4);
  for (const table of TABLES) {
    const at = bytes.indexOf(table, bytes.indexOf("moov"));
    // Behind version and flags, and behind the common sample size.
    if (at !== -1 && at < end) bytes.writeUInt32BE(0, at + (table === "stsz" ? 12 : 8));
  }
  await writeFile(path, bytes);
}

describe("the video track of a file with several", () => {
  it("is the one with the default flag", async () => {
    const flags = ["-disposition:v:0", "0", "-disposition:v:1", "default"];
    expect(await choiceOf(await make("second-is-default.mkv", ...flags))).toEqual({ chosen: 1, others: [0] });
  });

  it("is the first one when both have the flag", async () => {
    const flags = ["-disposition:v:0", "default", "-disposition:v:1", "default"];
    expect(await choiceOf(await make("both-are-default.mkv", ...flags))).toEqual({ chosen: 0, others: [1] });
  });

  it("is never one without packets, whatever its flag", async () => {
    const path = await make("first-is-empty.mp4", "-disposition:v:0", "default", "-disposition:v:1", "0");
    expect(await choiceOf(path)).toEqual({ chosen: 0, others: [1] });
    await emptyFirstTrack(path);
    expect(await choiceOf(path)).toEqual({ chosen: 1, others: [0] });
  });
});
