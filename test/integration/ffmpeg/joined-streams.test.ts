import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** Transport streams whose tracks change, begin late, or end early. */

const SECONDS = 4;
const FRAMES = 25 * SECONDS;
const PICTURE = (seconds: number) => ["-f", "lavfi", "-i", `testsrc2=duration=${seconds}:size=96x64:rate=25`];
const NOISE = (seconds: number) => ["-f", "lavfi", "-i", `anoisesrc=duration=${seconds}:sample_rate=48000:seed=1`];
const H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"];
/** Noise takes all of it: 5 seconds fill a pipe. */
const AAC = ["-c:a", "aac", "-ac", "2", "-b:a", "512k"];

const cut = async (path: string, segmentSeconds: number) =>
  cutFile(path, { cut: "keyframe", segmentSeconds, directory: await temporaryFolder() });

const framesOf = ({ segments }: Awaited<ReturnType<typeof cut>>): number =>
  segments.reduce((sum, { proof }) => sum + proof.frames, 0);

/** Two recordings in one file; the second has other options of the muxer. */
async function joined(...options: string[]): Promise<string> {
  const folder = await temporaryFolder();
  const [one, other, path] = ["one.ts", "other.ts", "joined.ts"].map((name) => join(folder, name));
  const recording = [...PICTURE(SECONDS), ...NOISE(SECONDS), ...H264, ...AAC];
  await ffmpeg(...recording, one!);
  await ffmpeg(...recording, ...options, other!);
  await writeFile(path!, [await readFile(one!), await readFile(other!)]);
  return path!;
}

describe("two transport streams that were joined", () => {
  it.each([
    ["in the same program map", ["-mpegts_start_pid", "0x200"]],
    ["in another program map", ["-mpegts_start_pid", "0x200", "-mpegts_pmt_start_pid", "0x1100"]],
  ])("with other PIDs, %s: the first one is cut, and the split is truncated", async (_, options) => {
    const made = await cut(await joined(...options), 2);
    expect(made).toMatchObject({ ending: { type: "complete" }, truncated: true });
    expect(framesOf(made)).toBe(FRAMES);
    expect(made.segments.map(({ audioCodecs }) => audioCodecs)).toEqual([["aac"], ["aac"]]);
  });

  it("with the same PIDs and another version of their tables: both are cut", async () => {
    const made = await cut(await joined("-tables_version", "1"), 2);
    expect(made).toMatchObject({ ending: { type: "complete" }, truncated: false });
    expect(framesOf(made)).toBe(2 * FRAMES);
  });
});

it("a program of a transport stream that ends before another one is cut to its end", async () => {
  const path = join(await temporaryFolder(), "programs.ts");
  const programs = ["-program", "title=one:st=0", "-program", "title=two:st=1"];
  const inputs = [...PICTURE(2), ...PICTURE(SECONDS), "-map", "0:v", "-map", "1:v"];
  await ffmpeg(...inputs, ...H264, ...programs, path);
  const made = await cut(path, 1);
  expect(made).toMatchObject({ ending: { type: "complete" }, truncated: false });
  expect(framesOf(made)).toBe(50);
});

it("an AAC track of a transport stream may begin when another one has filled its pipe", async () => {
  const path = join(await temporaryFolder(), "late-track.ts");
  const late = ["-itsoffset", "9", "-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000"];
  await ffmpeg(...PICTURE(10), ...NOISE(10), ...late, "-map", "0", "-map", "1", "-map", "2", ...H264, ...AAC, path);
  const made = await cut(path, 10);
  expect(made).toMatchObject({ ending: { type: "complete" }, truncated: false });
  expect(made.segments.map(({ audioCodecs }) => audioCodecs)).toEqual([["aac", "aac"]]);
});
