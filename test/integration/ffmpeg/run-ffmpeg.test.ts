import { execFile, spawnSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Condition } from "../../../services/ffmpeg/process/condition.ts";
import { runFfprobe } from "../../../services/ffmpeg/process/ffprobe.ts";
import { eachLine } from "../../../services/ffmpeg/process/lines.ts";
import { runFfmpeg } from "../../../services/ffmpeg/process/run-ffmpeg.ts";
import { heldBeyond, heldResources } from "../../fixtures/held-resources.ts";
import { binaries } from "../../fixtures/media.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const { ffmpeg } = await binaries;
const OUT_OF_TIME = new Error("out of time");

/** An endless stream of one frame per second, as fast as it's read. */
const ENDLESS = { from: "testsrc2=size=64x36:rate=1", options: ["-hide_banner", "-loglevel", "error", "-f", "lavfi"] };
const RAW = ["-f", "rawvideo", "-pix_fmt", "yuv420p"];

/** A second of raw frames for an input pipe. */
const PIPED = { options: ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "64x36"] };

async function drain(pipe: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of pipe) bytes += chunk.length;
  return bytes;
}

async function run(script: string | undefined, signal: AbortSignal = NEVER) {
  const directory = await temporaryFolder();
  return { binary: script === undefined ? ffmpeg : await standIn(directory, script), directory, signal };
}

describe("an ffmpeg run", () => {
  it("writes to named pipes and lists of them, reads from one, and resolves with what it wrote to stderr", async () => {
    const frames = { options: [...PIPED.options, "-framerate", "1"] };
    const copied = ["-map", "0:v", "-c", "copy", "-f", "data"];
    const sizes: number[] = [];
    const { stderr } = await runFfmpeg(
      { ...(await run(undefined)), pipedInput: frames, pipes: { one: copied, two: [copied, copied] } },
      async ({ input, outputs: { one, two } }) => {
        const writing = async () => {
          for (let frame = 0; frame < 20; frame += 1) await input.write(Buffer.alloc(64 * 36 * 1.5, frame));
          input.end();
        };
        const [, ...read] = await Promise.all([writing(), drain(one), ...two.map(drain)]);
        sizes.push(...read);
      },
    );
    expect(sizes).toEqual(Array(3).fill(20 * 64 * 36 * 1.5));
    expect(stderr).toContain("Stream mapping");
  });

  it("writes files, with a pipe that their options name", async () => {
    const { directory, ...options } = await run(undefined);
    const lines: string[] = [];
    await runFfmpeg(
      {
        ...options,
        directory,
        inputs: [{ ...ENDLESS, options: [...ENDLESS.options, "-t", "4"] }],
        files: [
          {
            path: "%d.nut",
            options: ["-c:v", "rawvideo", "-f", "segment", "-segment_time", "2", "-segment_list", "pipe:3"],
          },
        ],
        pipes: { list: null },
      },
      async ({ outputs: { list } }) => eachLine(list, (line) => lines.push(line)),
    );
    expect(lines).toEqual(["0.nut", "1.nut"]);
  });
});

describe("a run that is aborted", () => {
  it.each<[string, string | undefined]>([
    ["ffmpeg doesn't end", undefined],
    ["ffmpeg never reads and never writes", "exec sleep 1000"],
    [
      "ffmpeg is a script, whose own child keeps the pipes open",
      "touch keep; while [ -e keep ]; do sleep 0.05; done & wait",
    ],
    ["ffmpeg catches the signals that can be caught", "trap '' TERM INT HUP; while :; do sleep 0.01; done"],
    ["ffmpeg is stopped", "kill -STOP $$"],
  ])("settles immediately with the reason, if %s and the callback waits for ever", async (_what, script) => {
    const before = heldResources();
    const aborting = new AbortController();
    const spec = await run(script, aborting.signal);
    const started = Promise.withResolvers<void>();
    const running = runFfmpeg(
      { ...spec, pipedInput: PIPED, inputs: [ENDLESS], pipes: { frames: RAW } },
      async ({ input, outputs }) => {
        started.resolve();
        await Promise.all([
          drain(outputs.frames),
          new Condition().waitFor(() => false, NEVER),
          (async () => {
            for (;;) await input.write(Buffer.alloc(2 ** 20));
          })(),
        ]);
      },
    );
    await started.promise;
    const begun = performance.now();
    aborting.abort(OUT_OF_TIME);
    await expect(running).rejects.toBe(OUT_OF_TIME);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(getEventListeners(aborting.signal, "abort")).toEqual([]);
    expect(await heldBeyond(before)).toEqual([]);
    await rm(join(spec.directory, "keep"), { force: true });
  });

  it("doesn't start", async () => {
    const spec = await run("touch begun", AbortSignal.abort(OUT_OF_TIME));
    await expect(runFfmpeg({ ...spec, files: [{ path: "x", options: ["-f", "null"] }] })).rejects.toBe(OUT_OF_TIME);
  });
});

describe("a run that fails", () => {
  /** Reads the output until it ends, or fails. */
  const read = async (script: string) => {
    const before = heldResources();
    const ends: unknown[] = [];
    const failing = runFfmpeg({ ...(await run(script)), pipes: { some: RAW } }, async ({ outputs: { some } }) => {
      await drain(some).catch((error: unknown) => ends.push(error));
      await drain(some);
    });
    const error = await failing.catch((caught: Error) => caught);
    expect(await heldBeyond(before)).toEqual([]);
    return { error, ends };
  };

  it.each([
    ["killed", "kill -9 $$", { code: "ProcessKilled", signal: "SIGKILL", retryable: true }],
    ["terminated", "kill -TERM $$", { code: "ProcessKilled", signal: "SIGTERM", retryable: true }],
    ["crashed", "kill -SEGV $$", { code: "FfmpegFailed", signal: "SIGSEGV", exitCode: 139 }],
    [
      "exited",
      "echo moov atom not found >&2; exit 1",
      { code: "FfmpegFailed", exitCode: 1, stderr: "moov atom not found" },
    ],
  ])("%s: its output doesn't end, it fails", async (_how, script, expected) => {
    const { error, ends } = await read(`echo bytes >&3; ${script}`);
    expect(error).toMatchObject(expected);
    expect(ends).toEqual([error]);
  });

  it("reports how ffmpeg ended, even if its output isn't read", async () => {
    const running = runFfmpeg({ ...(await run("kill -9 $$")), pipes: { some: RAW } });
    await expect(running).rejects.toMatchObject({ code: "ProcessKilled" });
  });

  it("counts as killed when ffmpeg gets a signal and exits with a code", async () => {
    const directory = await temporaryFolder();
    const binary = await standIn(directory, `echo $$ > pid\nexec '${ffmpeg}' "$@"`);
    const running = runFfmpeg(
      { binary, directory, signal: NEVER, inputs: [ENDLESS], pipes: { frames: RAW } },
      async ({ outputs }) => {
        let asked = false;
        for await (const _ of outputs.frames) {
          if (!asked) spawnSync("sh", ["-c", `kill -TERM $(cat '${join(directory, "pid")}')`]);
          asked = true;
        }
      },
    );
    await expect(running).rejects.toMatchObject({ code: "ProcessKilled", signal: null });
  });

  it("throws what the callback throws, and ends ffmpeg", async () => {
    const before = heldResources();
    const failure = new Error("a packet is missing");
    const running = runFfmpeg({ ...(await run("exec sleep 1000")), pipes: { some: RAW } }, async () => {
      throw failure;
    });
    await expect(running).rejects.toBe(failure);
    expect(await heldBeyond(before)).toEqual([]);
  });

  it("is a full disk when a file can't be written completely", async () => {
    const spec = await run(undefined);
    await symlink("/dev/full", join(spec.directory, "full.nut"));
    const inputs = [{ ...ENDLESS, options: [...ENDLESS.options, "-t", "1000"] }];
    const files = [{ path: "full.nut", options: ["-c:v", "rawvideo", "-f", "nut"] }];
    await expect(runFfmpeg({ ...spec, inputs, files })).rejects.toMatchObject({ code: "DiskFull", retryable: true });
  });
});

describe("a process that can't be started", () => {
  it("is retryable", async () => {
    const directory = await temporaryFolder();
    const spec = { binary: join(directory, "none"), directory, signal: NEVER };
    const notStarted = { code: "ProcessNotStarted", retryable: true };
    await expect(runFfmpeg({ ...spec, pipes: { some: RAW } })).rejects.toMatchObject(notStarted);
    await expect(runFfprobe({ ...spec, args: [], onLine: () => {} })).rejects.toMatchObject(notStarted);
  });

  it.each(["run-ffmpeg.ts", "ffprobe.ts"])(
    "%s: too many open files are retryable, and the caller gets the error",
    async (file) => {
      const directory = await temporaryFolder();
      const module = new URL(`../../../services/ffmpeg/process/${file}`, import.meta.url);
      const script = join(directory, "script.ts");
      await writeFile(
        script,
        `import { openSync } from "node:fs";
      import { runFfmpeg, runFfprobe } from "${module}";
      process.on("uncaughtException", (error) => console.log("uncaught", error));
      const signal = new AbortController().signal;
      const run = () => RUN;
      await run().catch(() => {});
      const opened = [];
      try { for (;;) opened.push(openSync("/dev/null")); } catch {}
      console.log(await run().catch((error) => error.code));`
          .replace(file === "ffprobe.ts" ? "runFfmpeg, " : ", runFfprobe", "")
          .replace(
            "RUN",
            file === "ffprobe.ts"
              ? 'runFfprobe({ binary: "/bin/true", args: [], signal, onLine: () => {} })'
              : 'runFfmpeg({ binary: "/bin/true", directory: "/", signal, pipes: { some: ["-f", "null"] } })',
          ),
      );
      const command = `ulimit -n 100; exec '${process.execPath}' '${script}'`;
      const { stdout } = await promisify(execFile)("sh", ["-c", command]);
      expect(stdout).toBe("ProcessNotStarted\n");
    },
  );
});
