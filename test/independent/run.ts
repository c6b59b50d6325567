import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Cut } from "#events-schema";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { UsageError } from "../../infra/command-line/run.ts";
import { check } from "./check.ts";
import { type Input, inputsAt, segmentLengthFor, sharedFolders } from "./inputs.ts";
import { openSource, type Source } from "./source.ts";
import { type SplitSettings, splitFile } from "./split.ts";
import { header, LEGEND, line, type Row, summary } from "./table.ts";

const HELP = `npx video-split independent [FILE|FOLDER...] [--cut exact|keyframe|both] [--seconds N] [--json]

Splits files and compares the segments and the events with the sources, by decoding both with ffmpeg: it uses nothing of
the service's own proof. A folder with a table cases.tsv is read as the runs that it lists. Without FILE: ../shared/cases
and ../shared/media. Exit code: 0 when all are right.

  --cut C      only this one; default: both
  --seconds N  length of the segments; default: what a table of cases says, 2, or 60 for more than five minutes of video
  --boundary B anchored or encoded: how segments of H.264 begin; default: anchored
  --json       prints all figures as JSON; the table goes to standard error

CHECK_FFMPEG and CHECK_FFPROBE name the ffmpeg that is decoded with; FFMPEG_PATH and FFPROBE_PATH the one that splits.
`;

const OPTIONS = {
  cut: { type: "string", default: "both" },
  seconds: { type: "string" },
  boundary: { type: "string", default: "anchored" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

type Asked = { cut: string; seconds: string | undefined };

async function inputsFor(paths: string[], { cut, seconds }: Asked): Promise<Input[]> {
  const one = Cut.safeParse(cut);
  if (cut !== "both" && !one.success) throw new UsageError(`--cut is "${cut}"; it must be exact, keyframe or both`);
  const length = seconds === undefined ? undefined : Number(seconds);
  if (length !== undefined && !(length > 0))
    throw new UsageError(`--seconds is "${seconds}"; it must be a number above 0`);
  const { there, absent } = sharedFolders();
  if (paths.length === 0)
    for (const folder of absent) process.stderr.write(`${folder} doesn't exist and isn't checked\n`);
  const named = paths.length === 0 ? there : paths.map((path) => resolve(path));
  const inputs = (await Promise.all(named.map(inputsAt))).flat();
  return inputs
    .filter((input) => !one.success || input.cut === one.data)
    .map((input) => (length === undefined ? input : { ...input, seconds: length }));
}

/** Seconds from the first frame to the last. */
const durationOf = ({ shown }: Source): number => {
  const frames = shown?.video.frames ?? [];
  return frames.length === 0 ? 0 : frames.at(-1)!.time - frames[0]!.time;
};

/** Checks the runs in order. A source is decoded once for consecutive runs. */
async function* rowsOf(
  inputs: readonly Input[],
  boundary: SplitSettings["boundary"],
  stopping: AbortSignal,
): AsyncGenerator<Row> {
  let source: Source | undefined;
  let folder: string | undefined;
  const close = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const input of inputs) {
      stopping.throwIfAborted();
      const began = performance.now();
      if (source?.path !== input.path) {
        await close();
        folder = await mkdtemp(join(tmpdir(), "video-split-check-"));
        source = await openSource(input.path, folder);
      }
      const seconds = input.seconds ?? segmentLengthFor(durationOf(source));
      const segments = join(folder!, "segments");
      const produced = await splitFile(input.path, { cut: input.cut, seconds, boundary }, segments);
      const report = await check(source, produced);
      await rm(segments, { recursive: true, force: true });
      yield { ...input, seconds, report, took: (performance.now() - began) / 1000 };
    }
  } finally {
    await close();
  }
}

/** Runs `npx video-split independent`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine("independent", { args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const inputs = await inputsFor(positionals, { cut: values.cut, seconds: values.seconds });
  const { boundary } = values;
  if (boundary !== "anchored" && boundary !== "encoded")
    throw new UsageError(`--boundary is "${boundary}"; it must be anchored or encoded`);
  const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
  say(`${LEGEND}\n${header()}`);
  const rows: Row[] = [];
  for await (const row of rowsOf(inputs, boundary, stopping)) {
    rows.push(row);
    say(line(row));
  }
  say(summary(rows));
  if (values.json)
    process.stdout.write(`${JSON.stringify(rows, (name, value) => (name === "all" ? undefined : value), 2)}\n`);
  return rows.every(({ report }) => report.faults.length === 0) ? 0 : 1;
}
