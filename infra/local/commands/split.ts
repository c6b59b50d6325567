import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDemoVideo } from "../../../services/ffmpeg/index.ts";
import { findPrograms } from "../../command-line/programs.ts";
import type { Settings } from "../../settings.ts";
import { loadSettings, PROJECT_ROOT } from "../project.ts";
import { openStack } from "../stack.ts";
import { keepFilesPrivate } from "./private-files.ts";
import { followProgress } from "./progress.ts";
import { type Arguments, HELP, parseArguments } from "./split-arguments.ts";
import { printResult } from "./split-report.ts";
import { collectResult, type SplitResult } from "./split-result.ts";
import { withSplitState } from "./split-state.ts";
import { checkVideo, placeOf, uploadVideo, wasUploaded } from "./video-file.ts";

/** Exit codes of `npx video-split split`. */
const EXIT = { split: 0, rejected: 2 } as const;

async function splitFile(video: string, args: Arguments, stopping: AbortSignal): Promise<SplitResult> {
  // The segments are the result, and the command ends with them.
  const settings = { ...(await loadSettings("local")), "poster.enabled": false };
  await checkVideo(video, settings);
  return withSplitState(video, args, settings, (directory, isResumed) =>
    splitOn({ directory, isResumed, settings, video, args }, stopping),
  );
}

type Split = { directory: string; isResumed: boolean; settings: Settings; video: string; args: Arguments };

async function splitOn(
  { directory, isResumed, settings, video, args }: Split,
  stopping: AbortSignal,
): Promise<SplitResult> {
  const progress = followProgress(process.stderr);
  const { promise: full, reject: onDiskFull } = Promise.withResolvers<never>();
  full.catch(() => {});
  try {
    const stack = await openStack({
      settings,
      directory,
      port: 0,
      root: PROJECT_ROOT,
      watch: false,
      onDiskFull,
      onEvent: (_bus, event) => progress.event(event),
      onLog: (name, text) => (args.verbose ? progress.line(`${name}: ${text.replaceAll("\t", "  ")}`) : undefined),
      onDeadLetter: (_queue, deadLetter) =>
        progress.line(`failed ${deadLetter.attempts} times, dead letter: ${deadLetter.errorMessage}`),
    });
    try {
      stopping.throwIfAborted();
      const work = (async () => {
        const place = placeOf(stack, video);
        if (isResumed) progress.resume(await Array.fromAsync(stack.bridge.log(stack.names.bus)));
        if (!isResumed || !(await wasUploaded(stack, place))) await uploadVideo(stack, video, place, args);
        await stack.idle();
        return collectResult(stack, place, args.out);
      })();
      return await Promise.race([work, rejectOn(stopping), full]);
    } finally {
      await stack.close();
    }
  } finally {
    progress.end();
  }
}

const rejectOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

/** Runs `npx video-split split`. Returns the exit code. */
export async function main(argv: string[], stopping: AbortSignal): Promise<number> {
  const args = parseArguments(argv);
  if (args === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  keepFilesPrivate();
  const { ffmpeg } = await findPrograms(process.env);
  const split = async (video: string): Promise<number> => {
    const result = await splitFile(video, args, stopping);
    printResult(result, args, process.stdout);
    return EXIT[result.outcome];
  };
  return args.video === undefined ? withSample(ffmpeg, split, stopping) : split(args.video);
}

async function withSample<T>(ffmpeg: string, work: (video: string) => Promise<T>, stopping: AbortSignal): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "video-split-sample-"));
  try {
    const video = join(folder, "sample.mp4");
    process.stderr.write("No video specified: making a sample of 70 seconds\n");
    await makeDemoVideo(ffmpeg, video, stopping);
    return await work(video);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
