import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { elfHeader } from "../../fixtures/elf.ts";
import type { App, Build, Synthesis, SynthInput, SynthOptions } from "./contract.ts";
import { PLATFORM } from "./platform.ts";
import type { Program } from "./program.ts";
import { serveSst } from "./sst-server.ts";

/** Of one synthesis: given as JSON in the first argument. */
export type Run = { program: Program; options: SynthOptions; directory: string; result: string };

/**
 * One synthesis in a process of its own: components make resources inside of promises that are not awaited, so it is
 * over when nothing is left to do.
 */
const { program, options, directory, result } = JSON.parse(process.argv[2] ?? "") as Run;
const builds: Build[] = [];
process.env.SST_SERVER = await serveSst({ builds, directory });

/** What a deployment ships: no download, and nothing of the user's cache. */
function setPrograms(programs: SynthOptions["programs"]): void {
  Object.assign(process.env, { XDG_CACHE_HOME: directory, FFMPEG_BINARIES_URL: "http://127.0.0.1:9" });
  if (!programs) return;
  for (const name of ["ffmpeg", "ffprobe"]) {
    const file = join(directory, name);
    writeFileSync(file, elfHeader(programs));
    process.env[`${name.toUpperCase()}_BIN`] = file;
  }
}
setPrograms(options.programs);

const synth: SynthInput = {
  app: {} as App,
  cli: {
    command: options.dev ? "dev" : "deploy",
    rpc: "",
    paths: { home: directory, root: PROJECT_ROOT, work: directory, platform: PLATFORM },
    state: { version: {} },
  },
  dev: options.dev ?? false,
  settings: options.settings,
  found: options.found ?? {},
  resources: [],
  outputs: undefined,
};
Object.assign(globalThis, { synth });

const { app } = (await import(program.app)) as { app: (input: { stage: string }) => Promise<Omit<App, "stage">> };
synth.app = { ...(await app({ stage: options.stage })), stage: options.stage };

function shippedPrograms({ functionID }: Build): string[] {
  const folder = join(directory, "artifacts", `${functionID}-src`, "bin");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => (statSync(join(folder, name)).mode & 0o777) === 0o755);
}

process.once("beforeExit", () => {
  for (const build of builds) build.programs = shippedPrograms(build);
  const { resources, outputs } = synth;
  const synthesis: Synthesis = { app: synth.app, resources, outputs: outputs as Record<string, unknown>, builds };
  writeFileSync(join(result), JSON.stringify(synthesis));
});
await import(program.run);
