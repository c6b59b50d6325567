import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseCommandLine } from "../../../infra/command-line/parse.ts";
import { UsageError } from "../../../infra/command-line/run.ts";
import { randomFrom } from "../../fixtures/random.ts";
import { type Decoder, ffmpegDecoder, openH264Decoder } from "./decoders.ts";
import type { Measured } from "./measure.ts";
import { openPlayer, type Played, type Player } from "./play.ts";
import { isNamed, madeCount, madeSources } from "./sources.ts";
import { type Boundary, type FileReport, sweepFile } from "./sweep.ts";
import { header, isRight, lines, summary } from "./table.ts";

const HELP = `npx video-split boundaries [FILE|FOLDER...] [--count N] [--seed N] [--decoder PATH]... [--browser] [--json]

Cuts videos at random frames with exact_boundary: anchored, and judges each segment by decoding it: frames, packets and
pixels are compared with the source's. It uses nothing of what made the segment. It makes videos of ${madeCount()} kinds,
and also takes each FILE with H.264. Exit code: 0 when all are right.

  --count N       boundaries in all files together; default: 1000
  --seed N        other boundaries; default: 1
  --decoder PATH  a further ffmpeg, which must decode each segment to the same pixels. Can be repeated
  --only TEXT     only files whose name contains this, or one of several texts: a,b
  --given         only each FILE
  --browser       plays one segment of each kind of each file in Chromium
  --json          prints all figures as JSON; the table goes to standard error

OpenH264 decodes, too, where GStreamer's openh264dec is installed. CHECK_FFMPEG and CHECK_FFPROBE name the ffmpeg that
is measured with; FFMPEG_PATH and FFPROBE_PATH the one that cuts.
`;

const OPTIONS = {
  count: { type: "string", default: "1000" },
  seed: { type: "string", default: "1" },
  decoder: { type: "string", multiple: true, default: [] as string[] },
  only: { type: "string", default: "" },
  given: { type: "boolean", default: false },
  browser: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`--${name} is "${text}"; it must be 1 or more`);
  return value;
}

/** Files, and those of folders. */
async function filesAt(paths: readonly string[]): Promise<string[]> {
  const found = paths.map(async (path) => {
    const entry = await stat(path).catch(() => {
      throw new UsageError(`There is no ${path}`);
    });
    if (!entry.isDirectory()) return [resolve(path)];
    const names = (await readdir(path, { withFileTypes: true })).filter((one) => one.isFile()).map(({ name }) => name);
    return names
      .filter((name) => !name.endsWith(".tsv"))
      .sort()
      .map((name) => resolve(path, name));
  });
  return (await Promise.all(found)).flat();
}

async function openDecoders(paths: readonly string[]): Promise<Decoder[]> {
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new UsageError(`There is no ${missing}`);
  const ffmpegs = await Promise.all(paths.map(ffmpegDecoder));
  const openH264 = await openH264Decoder();
  if (openH264 === undefined) process.stderr.write("GStreamer's openh264dec isn't installed and isn't used\n");
  return [...ffmpegs, ...(openH264 === undefined ? [] : [openH264])];
}

const PLAYABLE = /\.(?:mp4|mov|mkv)$/;

/** What a player reported about a segment, by the file and the way it was made. */
type Playing = { file: string; way: string; frames: number; played: Played };

/** Plays the shortest segment of each way. A source that Chromium can't play is left out. */
function playEach(player: Player, playings: Playing[], say: (line: string) => void) {
  let unplayable = "";
  return async (source: Measured, boundaries: readonly Boundary[]): Promise<void> => {
    if (!PLAYABLE.test(source.path) || unplayable === source.path) return;
    const shortest = boundaries.toSorted((one, other) => one.frames - other.frames);
    for (const way of new Set(shortest.map((one) => one.way))) {
      const file = basename(source.path);
      if (playings.some((one) => one.file === file && one.way === way)) continue;
      const { path, frames } = shortest.find((one) => one.way === way)!;
      if (!PLAYABLE.test(path)) continue;
      const played = await player.play(path);
      if (played.error !== "" && (await player.play(source.path)).error !== "") {
        unplayable = source.path;
        return;
      }
      playings.push({ file, way, frames, played });
      say(`  Chromium played ${played.frames} of ${frames} frames of a segment that is ${way}`);
    }
  };
}

const playingFault = ({ frames, played }: Playing): string => {
  if (played.error !== "") return played.error;
  if (played.corrupted > 0) return `${played.corrupted} frames are corrupted`;
  return played.frames === frames ? "" : `${played.frames} frames instead of ${frames}`;
};

function playingLines(playings: readonly Playing[]): string[] {
  const ways = [...Map.groupBy(playings, ({ way }) => way)].map(([way, ones]) => {
    const sum = (of: (one: Playing) => number): number => ones.reduce((total, one) => total + of(one), 0);
    const frames = `${sum((one) => one.played.frames)} of ${sum((one) => one.frames)} frames decoded`;
    return `  ${way.padEnd(9)} ${String(ones.length).padStart(5)}  ${frames}, ${sum((one) => one.played.dropped)} dropped`;
  });
  const faults = playings
    .filter((one) => playingFault(one) !== "")
    .map((one) => `    ${one.file} (${one.way}): ${playingFault(one)}`);
  return ["played in Chromium:", ...ways, ...faults];
}

/** Runs `npx video-split boundaries`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine("boundaries", { args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const count = wholeNumber("count", values.count);
  const random = randomFrom(wholeNumber("seed", values.seed));
  const given = (await filesAt(positionals)).filter((path) => isNamed(basename(path), values.only));
  const decoders = await openDecoders(values.decoder);
  const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
  const folder = await mkdtemp(join(tmpdir(), "video-split-boundaries-"));
  const player = values.browser ? await openPlayer() : undefined;
  if (values.browser && player === undefined) throw new UsageError("There is no chromium on PATH");
  const reports: FileReport[] = [];
  const playings: Playing[] = [];
  const onSegments = player === undefined ? {} : { onSegments: playEach(player, playings, say) };
  say(header());
  try {
    let left = given.length + (values.given ? 0 : madeCount(values.only));
    const sweep = async (path: string, onlyH264: boolean): Promise<void> => {
      stopping.throwIfAborted();
      const done = reports.reduce((sum, { boundaries }) => sum + boundaries.length, 0);
      const own = Math.ceil((count - done) / left);
      const report = await sweepFile(path, { onlyH264, count: own, random, decoders, folder, stopping, ...onSegments });
      reports.push(report);
      left -= 1;
      for (const line of lines(report)) say(line);
    };
    for (const path of given) await sweep(path, true);
    if (!values.given)
      for await (const path of madeSources(folder, values.only)) {
        await sweep(path, false);
        await rm(path);
      }
  } catch (error) {
    if (!stopping.aborted) throw error;
    say("stopped");
  } finally {
    await player?.close();
    await rm(folder, { recursive: true, force: true });
  }
  const played = player === undefined ? [] : playingLines(playings);
  for (const line of [...summary(reports), ...played]) say(line);
  if (values.json) process.stdout.write(`${JSON.stringify({ reports, playings }, null, 2)}\n`);
  stopping.throwIfAborted();
  return isRight(reports) && playings.every((one) => playingFault(one) === "") ? 0 : 1;
}
