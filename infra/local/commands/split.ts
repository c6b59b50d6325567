import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBinaries, makeSampleVideo } from "../../../services/ffmpeg/index.ts";
import { run } from "../../command-line/run.ts";
import { loadSettings, PROJECT_ROOT } from "../project.ts";
import { openStack } from "../stack.ts";
import { followProgress } from "./progress.ts";
import { type Arguments, HELP, parseArguments } from "./split-arguments.ts";
import { printResult } from "./split-report.ts";
import { collectResult, type SplitResult } from "./split-result.ts";
import { checkVideo, uploadVideo } from "./video-file.ts";

/** Exit codes of `npm run split`. */
const EXIT = { split: 0, rejected: 2 } as const;

async function splitFile(video: string, args: Arguments, stopping: AbortSignal): Promise<SplitResult> {
  const settings = await loadSettings("local");
  await checkVideo(video, settings);
  const directory = await mkdtemp(join(tmpdir(), "video-split-stack-"));
  const progress = followProgress(process.stderr);
  try {
    const stack = await openStack({
      settings,
      directory,
      port: 0,
      root: PROJECT_ROOT,
      watch: false,
      onEvent: (_bus, event) => progress.event(event),
      onLog: (name, text) => (args.verbose ? progress.line(`${name}: ${text}`) : undefined),
      onDeadLetter: (_queue, letter) =>
        progress.line(`given up after ${letter.attempts} attempts: ${letter.errorMessage}`),
    });
    try {
      stopping.throwIfAborted();
      const work = (async () => {
        const upload = await uploadVideo(stack, video, args);
        await stack.idle();
        return collectResult(stack, upload, args.out);
      })();
      return await Promise.race([work, rejectOn(stopping)]);
    } finally {
      await stack.close();
    }
  } finally {
    progress.end();
    await rm(directory, { recursive: true, force: true });
  }
}

const rejectOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

async function main(stopping: AbortSignal): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  if (args === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const { ffmpeg } = await findBinaries({
    ffmpegPath: process.env.FFMPEG_PATH ?? process.env.FFMPEG_BIN,
    ffprobePath: process.env.FFPROBE_PATH,
    path: process.env.PATH,
  });
  const samples = await mkdtemp(join(tmpdir(), "video-split-sample-"));
  try {
    let video = args.video;
    if (video === undefined) {
      video = join(samples, "sample.mp4");
      process.stderr.write("No video was named: making a sample of 70 seconds\n");
      await makeSampleVideo(ffmpeg, video);
    }
    const result = await splitFile(video, args, stopping);
    printResult(result, args, process.stdout);
    return EXIT[result.outcome];
  } finally {
    await rm(samples, { recursive: true, force: true });
  }
}

await run(main);
