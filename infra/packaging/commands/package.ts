import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";
import { LOCAL_NAMES } from "../../local/names.ts";
import { loadSettings, PROJECT_ROOT } from "../../local/project.ts";
import { topology } from "../../topology.ts";
import { bundle } from "../bundle.ts";
import { type Architecture, MAX_PACKAGE_BYTES, preparePackage, type ShippedProgram, sizeOf } from "../index.ts";
import { recordChecksums } from "../record.ts";

const HELP = `npx video-split package [options]

Builds each function with the programs that it runs, as a deployment does, without deploying: downloads ffmpeg and ffprobe
for the function's architecture, or takes them from the cache, verifies their checksums, and prints what is shipped.

  --architecture NAME  arm64 or x86_64; may be repeated (default: the settings')
  --out FOLDER         keep the packages there, one folder for each function and architecture (default: remove them)
  --record             record the checksums of what is downloaded in infra/packaging/checksums.json instead; commit the file

Environment:
  FFMPEG_BINARIES_URL  a mirror of ffmpeg-static's releases
  FFMPEG_BIN           a static Linux ffmpeg to ship instead, for the function's architecture; FFPROBE_BIN: the same of ffprobe

Example:
  npx video-split package --architecture arm64 --out packages
`;

const OPTIONS = {
  architecture: { type: "string", multiple: true },
  out: { type: "string" },
  record: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const SOURCES = { root: PROJECT_ROOT, environment: process.env };

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

function architecturesOf(names: string[]): Architecture[] {
  for (const name of names)
    if (name !== "arm64" && name !== "x86_64")
      throw new UsageError(`--architecture is "${name}"; it must be arm64 or x86_64`);
  return names as Architecture[];
}

function describe({ program, source, from, archive, file, bytes, sum }: ShippedProgram): string[] {
  return [
    `  ${program} from ${source} (${from})`,
    ...(archive === undefined ? [] : [`    archive ${archive.bytes} bytes, ${archive.sum}`]),
    `    ${file} ${bytes} bytes, ${sum}`,
  ];
}

/** Builds every function for an architecture in `folder`, and prints what is in each package. */
async function packageFunctions(architecture: Architecture, folder: string): Promise<void> {
  const { functions } = topology(await loadSettings("default"), LOCAL_NAMES);
  for (const [id, { handler, programs }] of Object.entries(functions)) {
    const directory = join(folder, `${id}-${architecture}`);
    await rm(directory, { recursive: true, force: true });
    await bundle(handler, { root: PROJECT_ROOT, directory });
    // Links to this machine's packages and the source map: neither is in what SST zips.
    await rm(join(directory, "node_modules"), { recursive: true, force: true });
    await rm(join(directory, "bundle.mjs.map"), { force: true });
    const shipped = await preparePackage(directory, { architecture, programs }, SOURCES);
    const share = `${megabytes(await sizeOf(directory))} of ${megabytes(MAX_PACKAGE_BYTES)}`;
    print([`${id} for ${architecture}: ${share}`, ...shipped.flatMap(describe)].join("\n"));
  }
}

/** Runs `npx video-split package`. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("package", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = await loadSettings("default");
  const architectures = architecturesOf(values.architecture ?? [settings["video_split.architecture"]]);
  if (values.record) {
    const checksums = await recordChecksums(architectures, SOURCES);
    for (const name of architectures) print(`${name} ${JSON.stringify(checksums[name], null, 2)}`);
    print(
      "Recorded in infra/packaging/checksums.json. Compare the sums with the release's page, then commit the file.",
    );
    return 0;
  }
  const folder = values.out === undefined ? await mkdtemp(join(tmpdir(), "video-split-package-")) : resolve(values.out);
  try {
    for (const architecture of architectures) await packageFunctions(architecture, folder);
  } finally {
    if (values.out === undefined) await rm(folder, { recursive: true, force: true });
  }
  return 0;
}
