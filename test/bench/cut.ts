import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { encodersFor } from "../../services/ffmpeg/exact/encoders.ts";
import { FfprobeOutput, videoFormatOf } from "../../services/ffmpeg/source/describe.ts";
import type { ExactBoundary } from "../../services/split/ports/media-tools.ts";
import { cutFile } from "../fixtures/cut.ts";
import { binaries, ffmpeg, ffprobe } from "../fixtures/media.ts";
import { NEVER } from "../fixtures/quiet.ts";
import { type Cost, costOf, medianCost } from "./cost.ts";
import { type Row, report } from "./report.ts";

export type CutBench = {
  videos: string[];
  folder: string;
  /** Lengths of segments, in seconds. */
  seconds: number[];
  /** Length of the videos that are made. */
  minutes: number;
  runs: number;
  isSaved: boolean;
};

/** 1080p: moving shapes, with the grain of a camera so that there's something to encode. */
async function synthetic({ folder, minutes }: CutBench, group: number): Promise<string> {
  const path = join(folder, `synthetic-1080p-gop-${group}.mp4`);
  const duration = minutes * 60;
  const picture = `testsrc2=duration=${duration}:size=1920x1080:rate=25,noise=alls=4:allf=t`;
  await ffmpeg(
    ...["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `sine=duration=${duration}`],
    ...["-c:v", "libx264", "-preset", "superfast", "-b:v", "4M", "-bf", "2", "-pix_fmt", "yuv420p"],
    // The second keyframe comes earlier, so that boundaries are inside of groups and not at their
    // ends.
    ...["-g", String(group), "-sc_threshold", "0", "-force_key_frames", "5", "-c:a", "aac", path],
  );
  return path;
}

const KEPT = ["-map", "0:v:0", "-map", "0:a?"];
const segments = (path: string) => [
  ...["-f", "segment", "-reset_timestamps", "1", "-segment_format_options", "movflags=+faststart"],
  join(path, "%05d.mp4"),
];

async function cutExactly(boundary: ExactBoundary, video: string, segmentSeconds: number, directory: string) {
  const { warnings, entries } = await cutFile(video, { cut: "exact", segmentSeconds, directory, boundary });
  for (const warning of warnings) console.log(`  ${warning}`);
  for (const { message, ...fields } of entries) if ("segment" in fields) console.log(`  ${JSON.stringify(fields)}`);
}

/**
 * Both cuts, `exact` with each setting of `exact_boundary`, and what they are compared with: plain
 * copying, and encoding all. Each makes files of the same kind.
 */
const WAYS = {
  copy: async (video: string, seconds: number, into: string) => {
    await ffmpeg("-i", video, ...KEPT, "-c", "copy", "-segment_time", String(seconds), ...segments(into));
  },
  keyframe: async (video: string, segmentSeconds: number, directory: string) => {
    await cutFile(video, { cut: "keyframe", segmentSeconds, directory });
  },
  encoded: (video: string, seconds: number, into: string) => cutExactly("encoded", video, seconds, into),
  anchored: (video: string, seconds: number, into: string) => cutExactly("anchored", video, seconds, into),
  all: async (video: string, seconds: number, into: string) => {
    const options = await encoderOptions(video);
    const boundaries = ["-force_key_frames", `expr:gte(t,n_forced*${seconds})`, "-segment_time", String(seconds)];
    await ffmpeg("-i", video, ...KEPT, "-c:a", "copy", ...options, ...boundaries, ...segments(into));
  },
} as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

/** The same settings as in the exact cut. */
async function encoderOptions(video: string): Promise<string[]> {
  const probed = FfprobeOutput.parse(JSON.parse(await ffprobe("-show_format", "-show_streams", "-of", "json", video)));
  const picture = probed.streams.find(({ codec_type }) => codec_type === "video")!;
  const [encoder] = await encodersFor((await binaries).ffmpeg, videoFormatOf(probed, picture.index), NEVER);
  return encoder!.options;
}

const framesIn = async (path: string): Promise<number> => {
  const counted = ["-count_packets", "-select_streams", "v:0", "-show_entries", "stream=nb_read_packets"];
  return Number(await ffprobe(...counted, "-of", "csv=p=0", path));
};

/** Compares the segments, played in sequence, with the source, frame by frame. */
async function quality(video: string, directory: string, folder: string) {
  const files = readdirSync(directory).sort();
  const list = join(folder, "list.txt");
  const stats = join(folder, "psnr.txt");
  writeFileSync(list, files.map((file) => `file '${join(directory, file)}'\n`).join(""));
  const compare = `[0:v]settb=1/25,setpts=N[a];[1:v]settb=1/25,setpts=N[b];[a][b]psnr=stats_file=${stats}`;
  await ffmpeg("-i", video, "-f", "concat", "-safe", "0", "-i", list, "-lavfi", compare, "-an", "-f", "null", "-");
  const every = [...readFileSync(stats, "utf8").matchAll(/psnr_avg:(\S+)/g)].map(([, value]) => Number(value ?? 0));
  const encoded = every.filter((value) => Number.isFinite(value));
  const counts = await Promise.all(files.map((file) => framesIn(join(directory, file))));
  return {
    source: await framesIn(video),
    found: counts.reduce((sum, count) => sum + count, 0),
    encoded: encoded.length,
    mean: encoded.reduce((sum, value) => sum + value, 0) / Math.max(1, encoded.length),
    least: Math.min(...encoded),
    bytes: files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0),
  };
}

const ratio = (value: number): string => value.toFixed(3);

async function benchOne(video: string, length: number, { folder, runs }: CutBench): Promise<Row[]> {
  const costs = Object.fromEntries(ways.map((way) => [way, [] as Cost[]])) as Record<Way, Cost[]>;
  const measured = new Map<Way, Awaited<ReturnType<typeof quality>>>();
  for (let run = 0; run < runs; run += 1) {
    for (const way of ways) {
      const directory = mkdtempSync(join(folder, `${way}-`));
      costs[way].push(await costOf(() => WAYS[way](video, length, directory)));
      const isExact = way === "encoded" || way === "anchored";
      if (isExact && !measured.has(way)) measured.set(way, await quality(video, directory, folder));
      rmSync(directory, { recursive: true });
    }
  }
  const cost = Object.fromEntries(ways.map((way) => [way, medianCost(costs[way])])) as Record<Way, Cost>;
  return ways.map((way): Row => {
    const { wall, cpu } = cost[way];
    const row = {
      ...{ video: basename(video), "segments s": length, way, "wall s": wall.toFixed(1), "CPU s": cpu.toFixed(1) },
      "wall of encoding all": ratio(wall / cost.all.wall),
      "CPU of encoding all": ratio(cpu / cost.all.cpu),
      "CPU of copying": ratio(cpu / cost.copy.cpu),
    };
    const found = measured.get(way);
    if (found === undefined) return row;
    return {
      ...row,
      ...{ frames: found.source, lost: found.source - found.found, "frames that differ": found.encoded },
      ...(found.encoded > 0 && { "least dB": found.least.toFixed(1), "mean dB": found.mean.toFixed(1) }),
      "bytes of the source's": ratio(found.bytes / statSync(video).size),
    };
  });
}

/** Measures both cuts and prints what they cost and keep. */
export async function benchCut(bench: CutBench): Promise<void> {
  const videos = bench.videos.length > 0 ? bench.videos : [await synthetic(bench, 250), await synthetic(bench, 60)];
  const rows: Row[] = [];
  for (const video of videos) {
    console.log(`${basename(video)}: ${(statSync(video).size / 1e6).toFixed(1)} MB`);
    for (const length of bench.seconds) rows.push(...(await benchOne(video, length, bench)));
  }
  await report("cut", rows, bench.isSaved);
}
