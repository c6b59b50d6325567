import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Synthesis, SynthOptions } from "./contract.ts";
import type { Program } from "./program.ts";
import type { Run } from "./runner.ts";

const run = promisify(execFile);

const RUNNER = join(import.meta.dirname, "runner.ts");

/** The program refused to run. `message` is what SST would have shown. */
export class SynthesisError extends Error {
  override name = "SynthesisError";
}

/** Executes `run()` of sst.config.ts with SST's real components in a made-up cloud. Throws `SynthesisError`. */
export async function synthesise(program: Program, options: SynthOptions): Promise<Synthesis> {
  const directory = await mkdtemp(join(tmpdir(), "video-split-synth-"));
  try {
    const input: Run = { program, options, directory, result: join(directory, "synthesis.json") };
    await run(process.execPath, ["--no-warnings", "--enable-source-maps", RUNNER, JSON.stringify(input)], {
      env: { PATH: process.env.PATH, TMPDIR: directory, AWS_EC2_METADATA_DISABLED: "true" },
      maxBuffer: 64 * 1024 * 1024,
    });
    return JSON.parse(await readFile(input.result, "utf8")) as Synthesis;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new SynthesisError(stdout + stderr || String(error), { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
