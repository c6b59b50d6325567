import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SplitResult } from "../../infra/local/commands/split-result.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { ffprobe, makeMedia, videoPackets } from "../fixtures/media.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

type Run = { code: number | null; stdout: string; stderr: string; temporary: string };

async function start(args: string[]): Promise<{ child: ChildProcess; ended: Promise<Run> }> {
  // Its own temporary folder, so that what it leaves there can be seen.
  const temporary = await temporaryFolder();
  const child = spawn(process.execPath, [join(PROJECT_ROOT, "infra/local/commands/split.ts"), ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr, temporary }));
  return { child, ended };
}

const split = async (...args: string[]): Promise<Run> => (await start(args)).ended;

const processesNaming = async (text: string): Promise<string[]> => {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environment = await import("node:fs/promises").then(({ readFile }) =>
      readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""),
    );
    if (environment.includes(text)) found.push(pid);
  }
  return found;
};

describe("npm run split", () => {
  it("prints one JSON object and puts the clips where they were asked for", async () => {
    const folder = await temporaryFolder();
    const video = await makeMedia(folder, "b-frames.mp4");
    const out = join(folder, "clips");
    const { code, stdout, temporary } = await split(video, "--seconds", "2", "--json", "--out", out);

    expect(code).toBe(0);
    const result = JSON.parse(stdout) as SplitResult;
    expect(result.outcome).toBe("split");
    expect(result.video).toMatchObject({
      process_step: "upload",
      name: "b-frames",
      extension: "mp4",
      size: [160, 90],
      duration: 6,
      audio: true,
    });
    expect(result.segments.map(({ segment_index }) => segment_index)).toEqual([0, 1, 2]);
    expect(result.video).toHaveProperty(
      "sub_videos",
      result.segments.map(({ VideoId }) => VideoId),
    );
    expect(result.events.map((event) => event["detail-type"])).toContain("VideoSplit");
    expect(result.files.map((file) => basename(file))).toEqual(result.segments.map(({ key }) => basename(key)));
    const packets = await Promise.all(result.files.map(videoPackets));
    expect(packets.flat()).toHaveLength((await videoPackets(video)).length);
    for (const file of result.files)
      expect(Number(await ffprobe("-show_entries", "format=start_time", "-of", "csv=p=0", file))).toBeCloseTo(0, 1);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("exits with 2 and the reason for what can't be split", async () => {
    const video = join(await temporaryFolder(), "noise.mp4");
    await writeFile(video, "noise".repeat(1_000));
    const { code, stdout } = await split(video);
    expect(code).toBe(2);
    expect(stdout).toContain("Rejected: NotMedia");
  });

  it("prints a table of the clips for a person", async () => {
    const video = await makeMedia(await temporaryFolder(), "no-audio.mp4");
    const { code, stdout, stderr } = await split(video, "--seconds", "2");
    expect(code).toBe(0);
    expect(stdout).toMatch(/clip +start +end +frames +bytes +key\n0 +00:00\.000 +00:02\.000 +50 /);
    expect(stderr).toMatch(/clip 3\/3/);
  });

  it.each([
    [["/nowhere/film.mp4"], "Can't read /nowhere/film.mp4: there is no such file"],
    [["--seconds", "soon"], '--seconds is "soon"; it must be a number from 0.5 to 86400'],
    [["--cut", "exact"], 'The cut "exact" is not there yet'],
    [["--colour"], "Unknown option '--colour'"],
    [["a.mp4", "b.mp4"], "One video at a time"],
  ])("answers a mistake in one line: %j", async (args, message) => {
    const { code, stdout, stderr } = await split(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(message);
  });

  it("says so where the name's ending isn't accepted, and for a folder", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "notes.txt"), "x");
    await mkdir(join(folder, "folder.mp4"));
    expect((await split(join(folder, "notes.txt"))).stderr).toContain(
      '"txt" is not among video_split.accepted_extensions',
    );
    expect((await split(join(folder, "folder.mp4"))).stderr).toContain("it's not a file");
  });

  it("leaves nothing behind when it's interrupted", async () => {
    const video = await makeMedia(await temporaryFolder(), "one-keyframe-in-five-seconds.mp4");
    const { child, ended } = await start([video, "--seconds", "5"]);
    await new Promise<void>((resolve) =>
      child.stderr!.on("data", (text) => String(text).includes("planned") && resolve()),
    );
    child.kill("SIGINT");
    const { code, temporary } = await ended;
    expect(code).toBe(130);
    expect(await readdir(temporary)).toEqual([]);
    expect(await processesNaming(temporary)).toEqual([]);
    await expect(stat(temporary)).resolves.toBeDefined();
  });
});
