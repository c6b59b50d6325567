import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { UsageError } from "../../infra/command-line/run.ts";
import { CUTS } from "./cuts.ts";
import { type Expected, HOSTILE_FILES, make } from "./files.ts";
import { type Measured, measure } from "./measure.ts";

const HELP = `npx video-split hostile [VIDEO|FOLDER...] [--only TEXT]

Splits files that need as much as a split may use, or far more, with both cuts, each in a process of its own with 1,024
open files. Prints the outcome, the seconds, and the maximum memory in MB of Node, of one ffmpeg or ffprobe, and of all
together. Splits the specified files too, if any. Memory is measured on Linux only.

Exit code: 1 where an outcome isn't the expected one, or a split took more than 1.3 GB or 30 seconds; otherwise 0.
`;

const MAX_MB = 1_300;
const MAX_SECONDS = 30;
const SEGMENT_SECONDS = 1;

function outcomeOf({ outcome }: Measured): Exclude<Expected, "either"> | "failed" {
  if (outcome.startsWith("split in")) return "split";
  return /^[A-Z]\w+$/.test(outcome) ? "rejected" : "failed";
}

function faultOf(measured: Measured, expected: Expected): string {
  const outcome = outcomeOf(measured);
  if (outcome === "failed" || (expected !== "either" && outcome !== expected)) return `must be ${expected}`;
  if (Math.max(measured.nodeMB, measured.ffmpegMB) > MAX_MB) return `more than ${MAX_MB} MB`;
  // On a machine with other load, what counts is how long it would have run.
  return Math.min(measured.seconds, measured.cpuSeconds) > MAX_SECONDS ? `more than ${MAX_SECONDS} s` : "";
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

let faults = 0;

async function measureAll(path: string, expected: Record<(typeof CUTS)[number], Expected>): Promise<void> {
  for (const cut of CUTS) {
    const measured = await measure(path, cut, SEGMENT_SECONDS);
    const fault = faultOf(measured, expected[cut]);
    if (fault !== "") faults += 1;
    const { outcome, seconds, cpuSeconds, nodeMB, ffmpegMB, totalMB, blockedMs, message } = measured;
    const figures = [
      seconds.toFixed(1),
      cpuSeconds.toFixed(1),
      ...[nodeMB, ffmpegMB, totalMB].map((size) => Math.round(size)),
      blockedMs,
    ];
    print(
      `| ${[basename(path), cut, outcome, ...figures, message.slice(0, 120).replaceAll("\n", " "), fault].join(" | ")} |`,
    );
  }
}

const OPTIONS = { only: { type: "string" }, help: { type: "boolean", short: "h", default: false } } as const;

/** The files that a path names: itself, or those of the folder. */
function filesAt(path: string): string[] {
  if (!existsSync(path)) throw new UsageError(`${path} doesn't exist. Name a video or a folder of videos`);
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).sort();
  return names.map((name) => join(path, name));
}

/** Runs `npx video-split hostile`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine("hostile", { args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const named = positionals.flatMap(filesAt);
  const own = HOSTILE_FILES.filter(
    ({ name }) => (named.length === 0 || values.only !== undefined) && name.includes(values.only ?? ""),
  );
  print(
    "| file | cut | outcome | seconds | CPU s | Node MB | ffmpeg MB | together MB | blocked ms | message | fault |",
  );
  print("|---|---|---|---|---|---|---|---|---|---|---|");
  const folder = await mkdtemp(join(tmpdir(), "video-split-hostile-"));
  try {
    for (const file of own) {
      stopping.throwIfAborted();
      const path = await make(file, folder);
      await measureAll(path, file);
      await rm(path);
    }
    for (const path of named) {
      stopping.throwIfAborted();
      await measureAll(path, { keyframe: "either", exact: "either" });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (faults > 0) print(`${faults} rows have a fault.`);
  return faults > 0 ? 1 : 0;
}
