import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import type { Synthesis, SynthOptions } from "./contract.ts";
import type { Program } from "./program.ts";
import type { Run } from "./runner.ts";

const RUNNER = join(import.meta.dirname, "runner.ts");

/**
 * Most of the time of a run goes into loading SST's and Pulumi's modules: half of it where they are
 * compiled already.
 */
const COMPILED = join(PROJECT_ROOT, "node_modules", ".cache", "video-split", "compiled");

/** The program refused to run. `message` is the one that SST would show. */
export class SynthesisError extends Error {
  override name = "SynthesisError";
}

/**
 * Runs a Node script without a terminal, which a refused stage would write to. Throws what it
 * printed where it failed.
 */
async function runNode(args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, args, { detached: true, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new SynthesisError(out + err || `It ended with ${code}`);
}

/**
 * Executes `run()` of sst.config.ts with SST's real components in a simulated cloud. Throws
 * `SynthesisError`.
 */
export async function synthesise(program: Program, options: SynthOptions): Promise<Synthesis> {
  const directory = await mkdtemp(join(tmpdir(), "video-split-synth-"));
  try {
    const input: Run = { program, options, directory, result: join(directory, "synthesis.json") };
    await runNode(["--no-warnings", RUNNER, JSON.stringify(input)], {
      PATH: process.env.PATH,
      TMPDIR: directory,
      NODE_COMPILE_CACHE: COMPILED,
      AWS_EC2_METADATA_DISABLED: "true",
    });
    return JSON.parse(await readFile(input.result, "utf8")) as Synthesis;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
