import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { runFfprobe } from "../../../services/ffmpeg/process/ffprobe.ts";
import { setBudget } from "../../../services/ffmpeg/process/limits.ts";
import { runFfmpeg } from "../../../services/ffmpeg/process/run-ffmpeg.ts";
import { budgetOf } from "../../../services/split/domain/budget.ts";
import { binaries } from "../../fixtures/media.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { split } from "../../fixtures/split-world.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { HOSTILE_FILES, make } from "../../hostile/files.ts";

const { ffmpeg } = await binaries;
const REJECTED = { code: "RejectedVideo", reason: "LimitExceeded", retryable: false };

afterEach(() => setBudget(budgetOf()));

/** Runs a script instead of ffprobe, and returns the lines that it writes. */
async function probeWith(script: string, more: { cpuSeconds?: number; outputBytes?: number } = {}): Promise<string[]> {
  const lines: string[] = [];
  const binary = await standIn(await temporaryFolder(), script);
  await runFfprobe({ binary, args: [], signal: NEVER, onLine: (line) => lines.push(line), ...more });
  return lines;
}

describe.runIf(process.platform === "linux")("memory of a program", () => {
  it("is limited by the operating system, as are its threads' stacks and its core dumps", async () => {
    setBudget({ ...budgetOf(), programBytes: 100 * 2 ** 20 });
    expect(await probeWith("ulimit -d; ulimit -s; ulimit -c")).toEqual(["102400", "2048", "0"]);
  });

  it("rejects a video that needs more, whichever program reports it", async () => {
    setBudget({ ...budgetOf(), programBytes: 120 * 2 ** 20 });
    const frames = { from: "color=size=4096x4096", options: ["-loglevel", "error", "-f", "lavfi"] };
    const encoded = ["-frames:v", "9", "-c:v", "libx264", "-preset", "ultrafast", "-f", "null"];
    const directory = await temporaryFolder();
    const running = runFfmpeg({
      ...{ binary: ffmpeg, directory, signal: NEVER, inputs: [frames], files: [{ path: "-", options: encoded }] },
    });
    await expect(running).rejects.toMatchObject({ ...REJECTED, message: expect.stringContaining("may use 120 MB") });
  });

  it("is added up: when the total is too large, the largest program is killed and the other continues", async () => {
    setBudget({ ...budgetOf(), programsBytes: 80 * 2 ** 20 });
    const holding = (megabytes: number) =>
      probeWith(`exec '${process.execPath}' -e '
        const held = Buffer.alloc(${megabytes} * 2 ** 20, 1);
        setTimeout(() => console.log(held.length > 0), ${megabytes === 0 ? 10 : 60_000});'`);
    const [small, large] = await Promise.allSettled([holding(0), holding(90)]);
    expect(large).toMatchObject({ status: "rejected", reason: REJECTED });
    expect(small).toMatchObject({ status: "fulfilled" });
  });
});

describe("probing", () => {
  it("is limited in CPU time", async () => {
    await expect(probeWith("while :; do :; done", { cpuSeconds: 1 })).rejects.toMatchObject({
      ...REJECTED,
      message: expect.stringContaining("within 1 seconds of CPU time"),
    });
  });

  it("is limited in bytes of output, also in one endless line", async () => {
    const endless = "while :; do printf 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; done";
    await expect(probeWith(endless, { outputBytes: 10_000 })).rejects.toMatchObject(REJECTED);
  });
});

describe("a file that needs more than a split may use", () => {
  const quick = HOSTILE_FILES.filter(({ isQuick }) => isQuick === true);

  it.each(quick.map((file) => [file.name, file] as const))("%s is rejected", async (_name, file) => {
    const path = await make(file, await temporaryFolder());
    const { outcome, types, left } = await split({ file: path, request: { key: `uploads/${file.name}` } });
    expect(outcome).toMatchObject({
      outcome: "rejected",
      reason: expect.stringMatching(/LimitExceeded|UnreadableMedia/),
    });
    expect(types).toEqual(["VideoRejected"]);
    expect(left).toEqual([]);
  });
});

describe("too few open files", () => {
  it("are the machine's fault: the caller gets a retryable error", async () => {
    const file = HOSTILE_FILES.find(({ name }) => name === "audio-48.mkv")!;
    const folder = await temporaryFolder();
    const path = await make(file, folder);
    const script = new URL("../../hostile/split-one.ts", import.meta.url).pathname;
    const command = `ulimit -n 128; exec '${process.execPath}' '${script}' '${path}' keyframe 1`;
    await writeFile(join(folder, "run.sh"), command);
    const { stdout } = await promisify(execFile)("/bin/sh", [join(folder, "run.sh")]);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "would be retried: ProcessStartError" });
  });
});
