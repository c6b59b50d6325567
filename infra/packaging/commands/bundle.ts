import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { parseCommandLine } from "../../command-line/parse.ts";
import { LOCAL_NAMES } from "../../local/names.ts";
import { loadSettings, PROJECT_ROOT } from "../../local/project.ts";
import { topology } from "../../topology.ts";
import { bundle } from "../bundle.ts";

const execute = promisify(execFile);

/** Maximum size of a bundle. Importing it is most of a cold start. */
const MAX_BUNDLE_BYTES = 3 * 1024 * 1024;

const COLD_STARTS = 9;

const median = (values: number[]): number => values.sort((left, right) => left - right)[values.length >> 1] ?? 0;

/** Milliseconds to import a module in a new process. Median of several. */
async function importTime(file: string): Promise<number> {
  const measure = `const begin = performance.now(); import(${JSON.stringify(file)}).then(() => console.log(performance.now() - begin))`;
  const times: number[] = [];
  for (let count = 0; count < COLD_STARTS; count++) {
    const { stdout } = await execute(process.execPath, ["-e", measure]);
    times.push(Number(stdout));
  }
  return median(times);
}

const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KB`;

const largest = (packages: Record<string, number>): string =>
  Object.entries(packages)
    .sort(([, left], [, right]) => right - left)
    .slice(0, 5)
    .map(([name, bytes]) => `${name} ${kilobytes(bytes)}`)
    .join(", ");

const HELP = `npx video-split bundle

Bundles each function as a deployment does, and prints its size, its largest packages, and the time that Node takes to
import it. Exit code: 1 where a bundle is larger than 3 MB.
`;

const OPTIONS = { help: { type: "boolean", short: "h", default: false } } as const;

/**
 * Runs `npx video-split bundle`: each function's bundle, its size, contents, and the time to import
 * it.
 */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("bundle", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { functions } = topology(await loadSettings("default"), LOCAL_NAMES);
  const folder = await mkdtemp(join(tmpdir(), "video-split-bundle-"));
  try {
    console.log(`Node ${process.version}; import: median of ${COLD_STARTS} fresh processes\n`);
    console.log("function    bundle     gzip     import   largest inside");
    for (const [name, { handler }] of Object.entries(functions)) {
      const { file, packages } = await bundle(handler, { root: PROJECT_ROOT, directory: join(folder, name) });
      const code = await readFile(file);
      const milliseconds = await importTime(file);
      const columns = [
        name.padEnd(10),
        kilobytes(code.length).padStart(8),
        kilobytes(gzipSync(code).length).padStart(8),
        `${milliseconds.toFixed(0)} ms`.padStart(8),
        largest(packages),
      ];
      console.log(columns.join("  "));
      if (code.length > MAX_BUNDLE_BYTES) throw new Error(`The ${name} function's bundle is larger than 3 MB`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}
