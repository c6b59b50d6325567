import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { COMMANDS } from "../../infra/command-line/commands.ts";
import type { SplitResult } from "../../infra/local/commands/split-result.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { type CommandOptions, processesNaming, startCommand } from "../fixtures/commands.ts";
import { ffprobe, makeLongVideo, makeMedia, videoPackets } from "../fixtures/media.ts";
import { modesIn } from "../fixtures/modes.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

const SEGMENTS = 14;

/** As many uploads are in flight when the service is killed: services/split/deliver-segments.ts. */
const MAX_CONCURRENT_DELIVERIES = 3;

const splitWith = async (options: CommandOptions, ...args: string[]) => {
  const { ended, temporary } = await startCommand("split", args, options);
  return { ...(await ended), temporary };
};

const split = (...args: string[]) => splitWith({}, ...args);

describe("npx video-split split", () => {
  it("prints one JSON object and writes the segments to the requested folder", async () => {
    const folder = await temporaryFolder();
    const video = await makeMedia(folder, "b-frames.mp4");
    const out = join(folder, "segments");
    const options = ["--seconds", "2", "--json", "--out", out];
    const { code, stdout, temporary } = await splitWith({ umask: 0o027 }, video, ...options);

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
    expect(new Set((await modesIn(out)).values())).toEqual(new Set([0o750, 0o640]));
    expect(await readdir(temporary)).toEqual([]);
  });

  it("exits with 2 and the reason for what can't be split", { tags: "full" }, async () => {
    const video = join(await temporaryFolder(), "noise.mp4");
    await writeFile(video, "noise".repeat(1_000));
    const { code, stdout } = await split(video);
    expect(code).toBe(2);
    expect(stdout).toContain("Rejected: NotMedia");
  });

  it("prints a table of the segments for a person", { tags: "full" }, async () => {
    const video = await makeMedia(await temporaryFolder(), "no-audio.mp4");
    const { code, stdout, stderr } = await split(video, "--seconds", "2");
    expect(code).toBe(0);
    expect(stdout).toMatch(/segment +start +end +frames +bytes +key\n0 +00:00\.000 +00:02\.000 +50 /);
    expect(stderr).toMatch(/segment 3\/3/);
  });

  it.each([
    [["/nowhere/film.mp4"], "Can't read /nowhere/film.mp4: there is no such file"],
    [["--seconds", "soon"], '--seconds is "soon"; it must be a number from 0.5 to 86400'],
    [["--cut", "smart"], '--cut is "smart"; it must be exact or keyframe'],
    [["--colour"], "Unknown option '--colour'"],
    [["a.mp4", "b.mp4"], "Specify one video"],
  ])("answers a mistake in one line: %j", { tags: "full" }, async (args, message) => {
    const { code, stdout, stderr } = await split(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(message);
  });

  it("says so where the name's ending isn't accepted, and for a folder", { tags: "full" }, async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "notes.txt"), "x");
    await mkdir(join(folder, "folder.mp4"));
    expect((await split(join(folder, "notes.txt"))).stderr).toContain(
      '"txt" is not among video_split.accepted_extensions',
    );
    expect((await split(join(folder, "folder.mp4"))).stderr).toContain("it's not a file");
  });

  it("says that it was interrupted, also while it makes its sample", { tags: "full" }, async () => {
    const { child, says, ended, temporary } = await startCommand("split", []);
    await says("making a sample");
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).not.toContain("Command failed");
    expect(await readdir(temporary)).toEqual([]);
  });

  it("leaves nothing behind when it's interrupted", async () => {
    const video = await makeMedia(await temporaryFolder(), "one-keyframe-in-five-seconds.mp4");
    const { child, says, ended, temporary } = await startCommand("split", [video, "--seconds", "5"]);
    await says("planned");
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(await readdir(temporary)).toEqual([]);
    expect(await processesNaming(temporary)).toEqual([]);
  });

  it("killed with -9 twice, continues each time and repeats only uploads that were in progress", async () => {
    const [folder, temporary] = [await temporaryFolder(), await temporaryFolder()];
    const video = await makeLongVideo(folder, SEGMENTS / 2);
    const putLog = join(folder, "puts");
    const begin = () => startCommand("split", [video, "--seconds", "0.5", "--json"], { temporary, putLog });

    let begun = await begin();
    for (const segments of [3, 8]) {
      await begun.says(`segment ${segments}/${SEGMENTS}`);
      begun.child.kill("SIGKILL");
      await begun.ended;
      begun = await begin();
      expect(await begun.says("Continuing")).toMatch(new RegExp(`killed: \\d+ of ${SEGMENTS} segments exist`));
    }
    const { code, stdout } = await begun.ended;
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as SplitResult;
    expect(result.segments).toHaveLength(SEGMENTS);
    expect(result.video).toMatchObject({ status: "split", frames: SEGMENTS * 12 });

    const puts = (await readFile(putLog, "utf8")).split("\n").filter((url) => url.includes("/segments/"));
    console.info(`${puts.length} uploads of ${SEGMENTS} segments, killed twice`);
    expect(new Set(puts.map((url) => url.split("?")[0])).size).toBe(SEGMENTS);
    expect(puts.length).toBeLessThanOrEqual(SEGMENTS + 2 * MAX_CONCURRENT_DELIVERIES);
    expect(await readdir(temporary)).toEqual([]);
    expect(await processesNaming(temporary)).toEqual([]);
  });

  it("has a stack for itself where the same split is under way already", { tags: "full" }, async () => {
    const video = await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4");
    const temporary = await temporaryFolder();
    const both = await Promise.all(
      [1, 2].map(() => startCommand("split", [video, "--seconds", "2", "--json"], { temporary })),
    );
    const ends = await Promise.all(both.map(({ ended }) => ended));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    for (const { stdout } of ends) expect((JSON.parse(stdout) as SplitResult).segments).toHaveLength(3);
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe("npx video-split", () => {
  const execute = promisify(execFile);

  it("is found in the project, without a network, and lists the commands", { tags: "full" }, async () => {
    const cache = await temporaryFolder();
    const env = { ...process.env, npm_config_cache: cache, npm_config_offline: "true" };
    const { stdout } = await execute("npx", ["video-split"], { cwd: PROJECT_ROOT, env });
    for (const name of COMMANDS.keys()) expect(stdout).toContain(`npx video-split ${name}`);
    expect(stdout).toContain("130  interrupted");
  });

  it.each([
    ["splt", 'There is no command "splt". Did you mean split? See npx video-split --help\n'],
    ["x\u001b[2K", 'There is no command "x\\u001b[2K". See npx video-split --help\n'],
  ])("exits with 2 for an unknown command: %j", async (name, message) => {
    const { code, stdout, stderr } = await (await startCommand(name, [])).ended;
    expect([code, stdout, stderr]).toEqual([2, "", message]);
  });

  it.each([...COMMANDS])("%s --help prints its usage", { tags: "full" }, async (name, { load }) => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    try {
      const { main } = await load();
      expect(await main(["--help"], new AbortController().signal)).toBe(0);
      expect(write.mock.calls.map(([text]) => text).join("")).toMatch(new RegExp(`^npx video-split ${name}\\b.*\n\n`));
    } finally {
      write.mockRestore();
    }
  });
});
