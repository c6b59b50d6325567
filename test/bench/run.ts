import { execFileSync, spawnSync } from "node:child_process";
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { ffmpegMediaTools, findBinaries } from "../../services/ffmpeg/index.ts";
import { CHILD_ENVIRONMENT } from "../../services/ffmpeg/sandbox.ts";
import { keyframePlanner } from "../../services/split/domain/cut-plan.ts";

/**
 * npm run bench -- [FILE] [--seconds N]: what the keyframe cut costs beside its rival, plain `ffmpeg -f segment -c copy` on a
 * local file, both in this run, turn by turn. Ratios, not seconds, are what to quote: machines differ and are shared.
 */
const RUNS = 5;

type Cost = { wall: number; cpu: number; segments: number };

const argument = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const seconds = Number(argument("--seconds", "10"));
const named = process.argv
  .slice(2)
  .find((word, index, all) => !word.startsWith("--") && all[index - 1] !== "--seconds");

const folder = mkdtempSync(join(tmpdir(), "video-split-bench-"));
const binaries = await findBinaries({
  ffmpegPath: process.env.FFMPEG_PATH ?? process.env.FFMPEG_BIN,
  ffprobePath: process.env.FFPROBE_PATH,
  path: process.env.PATH,
});

/** CPU seconds of this process and of its ended children. Node has no call for the children; the kernel's own account has both. */
function cpuSeconds(): number {
  const fields = execFileSync("cat", [`/proc/${process.pid}/stat`], { encoding: "utf8" })
    .split(") ")[1]!
    .split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / 100;
}

async function measure(work: () => Promise<number> | number): Promise<Cost> {
  const cpu = cpuSeconds();
  const wall = performance.now();
  const segments = await work();
  return { wall: (performance.now() - wall) / 1_000, cpu: cpuSeconds() - cpu, segments };
}

function makeVideo(): string {
  const path = join(folder, "source.mp4");
  const picture = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=duration=600:size=640x360:rate=30",
    "-f",
    "lavfi",
    "-i",
    "sine=duration=600",
  ];
  const codecs = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-b:v",
    "3M",
    "-g",
    "60",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
  ];
  spawnSync(binaries.ffmpeg, ["-v", "error", "-nostdin", "-y", ...picture, ...codecs, path], {
    env: { ...CHILD_ENVIRONMENT },
    stdio: "inherit",
  });
  return path;
}

function plain(path: string): number {
  const out = mkdtempSync(join(folder, "plain-"));
  const cut = [
    "-map",
    "0:v:0",
    "-map",
    "0:a?",
    "-c",
    "copy",
    "-f",
    "segment",
    "-segment_time",
    String(seconds),
    "-reset_timestamps",
    "1",
  ];
  const options = ["-segment_format_options", "movflags=+faststart", join(out, `%05d${extname(path)}`)];
  spawnSync(binaries.ffmpeg, ["-v", "error", "-nostdin", "-i", path, ...cut, ...options], {
    env: { ...CHILD_ENVIRONMENT },
    stdio: "inherit",
  });
  const made = readdirSync(out).length;
  rmSync(out, { recursive: true });
  return made;
}

async function ours(path: string): Promise<number> {
  const directory = mkdtempSync(join(folder, "ours-"));
  const { signal } = new AbortController();
  const media = await ffmpegMediaTools(binaries).open({
    size: statSync(path).size,
    async *read(start, end, reading) {
      for await (const chunk of createReadStream(path, { start, end, highWaterMark: 2 ** 20 })) {
        if (reading.aborted) return;
        yield chunk as Uint8Array;
      }
    },
  });
  const description = await media.describe(signal);
  const planner = keyframePlanner(seconds);
  await media.scan(description, signal, planner.add);
  const { segments } = planner.finish(25)!;
  const [container] = media.containers(description, extname(path).slice(1));
  const job = {
    format: description.format,
    video: description.video!.index,
    audio: description.audio.map(({ index }) => index),
    container: container!,
  };
  const starts = segments.slice(1).map(({ firstFrame }) => firstFrame);
  for await (const _file of media.cut({ ...job, starts, directory, signal }));
  await media.close();
  const made = readdirSync(directory).length;
  rmSync(directory, { recursive: true });
  return made;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

try {
  const path = named ?? makeVideo();
  console.log(
    `${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB, ${seconds} s a segment, ${RUNS} runs of each after one warm-up`,
  );
  plain(path);
  await ours(path);
  const pairs: { plain: Cost; ours: Cost }[] = [];
  for (let run = 0; run < RUNS; run += 1)
    pairs.push({ plain: await measure(() => plain(path)), ours: await measure(() => ours(path)) });
  for (const figure of ["wall", "cpu"] as const) {
    const of = (who: "plain" | "ours") => median(pairs.map((pair) => pair[who][figure])).toFixed(2);
    const ratio = median(pairs.map((pair) => pair.ours[figure] / pair.plain[figure])).toFixed(2);
    console.log(
      `${figure.padEnd(5)} plain ffmpeg ${of("plain")} s   probe + plan + cut through loopback ${of("ours")} s   ratio ${ratio}`,
    );
  }
  console.log(`segments: plain ${pairs[0]!.plain.segments}, ours ${pairs[0]!.ours.segments}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
