import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { LOCAL_NAMES } from "../../infra/local/names.ts";
import { loadSettings, PROJECT_ROOT } from "../../infra/local/project.ts";
import { bundle } from "../../infra/packaging/bundle.ts";
import { topology } from "../../infra/topology.ts";
import { median } from "./cost.ts";
import { report } from "./report.ts";

const execute = promisify(execFile);

export type ColdOptions = { folder: string; runs: number; isSaved: boolean };

/** Milliseconds of a process: until its module is imported, and for importing it alone. */
type Start = { started: number; imported: number };

/** Starts Node and imports a module, as a cold start does. */
async function startOf(file: string): Promise<Start> {
  const measure = `const begun = performance.now();
    import(${JSON.stringify(file)}).then(() => console.log(JSON.stringify({
      started: performance.now(), imported: performance.now() - begun })))`;
  const { stdout } = await execute(process.execPath, ["-e", measure]);
  return JSON.parse(stdout) as Start;
}

const EMPTY = "empty handler";

/** Prints size and import time of each function's bundle, beside those of a handler that does nothing. */
export async function benchCold({ folder, runs, isSaved }: ColdOptions): Promise<void> {
  const { functions } = topology(await loadSettings("default"), LOCAL_NAMES);
  const empty = join(folder, "empty.mjs");
  await writeFile(empty, "export const handler = async () => {};\n");
  const files = new Map([[EMPTY, empty]]);
  for (const [name, { handler }] of Object.entries(functions))
    files.set(name, (await bundle(handler, { root: PROJECT_ROOT, directory: join(folder, name) })).file);
  const starts = new Map<string, Start[]>([...files.keys()].map((name) => [name, []]));
  // One of each at a time, so that the load of the machine is the same for all.
  for (let run = 0; run < runs; run += 1) for (const [name, file] of files) starts.get(name)!.push(await startOf(file));
  const startedOf = (name: string): number => median(starts.get(name)!.map(({ started }) => started));
  const rows = await Promise.all(
    [...files].map(async ([name, file]) => {
      const code = await readFile(file);
      return {
        function: name,
        KB: (code.length / 1_024).toFixed(0),
        "gzip KB": (gzipSync(code).length / 1_024).toFixed(0),
        "import ms": median(starts.get(name)!.map(({ imported }) => imported)).toFixed(1),
        "Node's start and import ms": startedOf(name).toFixed(1),
        "/ empty handler": (startedOf(name) / startedOf(EMPTY)).toFixed(2),
      };
    }),
  );
  await report("cold", rows, isSaved);
}
