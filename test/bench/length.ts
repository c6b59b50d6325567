import { createReadStream } from "node:fs";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Upload } from "@aws-sdk/lib-storage";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { type Plot, svg } from "./plot.ts";
import { type Row, report } from "./report.ts";
import { countRequests, type RequestCounts } from "./requests.ts";
import { type BenchStack, withStack } from "./stack.ts";
import { watchDisk, watchMemory, watchPrograms } from "./watch.ts";

const FRAMES_A_SECOND = 10;

/** What is encoded; the rest repeats it. Long enough that its start is no large part of it. */
const MADE_SECONDS = 60;

/** Small pictures at some 16 kbit/s with audio: 24 hours have 190 MB. */
async function makeMinute(folder: string): Promise<string> {
  const path = join(folder, "minute.mp4");
  const picture = `testsrc2=size=96x54:rate=${FRAMES_A_SECOND}:duration=${MADE_SECONDS}`;
  await ffmpeg(
    ...["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `sine=duration=${MADE_SECONDS}`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-b:v", "8k"],
    ...["-g", "20", "-sc_threshold", "0"],
    ...["-c:a", "aac", "-b:a", "8k", "-ac", "1", "-ar", "8000", path],
  );
  return path;
}

const HOUR = 60;

const labelOf = (minutes: number): string => (minutes < HOUR ? `${minutes} min` : `${minutes / HOUR} h`);

export type LengthOptions = {
  folder: string;
  /** Of the videos. */
  minutes: readonly number[];
  cut: string;
  segmentSeconds: number;
  isSaved: boolean;
};

type Measured = {
  minutes: number;
  MB: number;
  segments: number;
  events: number;
  /** Of the split function. More than one: it was divided into ranges, or an attempt failed. */
  invocations: number;
  /** From the end of the upload to `VideoSplit`. */
  seconds: number;
  nodeMB: number;
  programsMB: number;
  diskMB: number;
  counts: RequestCounts;
};

const timeOf = ({ metadata }: VideoSplitEvent): number => Date.parse(metadata.occurredAt);

const MB = 1e6;

async function measure(minute: string, minutes: number, options: LengthOptions): Promise<Measured> {
  const { folder, cut, segmentSeconds } = options;
  const path = join(folder, `${minutes}-minutes.mp4`);
  await ffmpeg("-stream_loop", String(minutes - 1), "-i", minute, "-c", "copy", "-movflags", "+faststart", path);
  const { size } = await stat(path);
  const { intercept, counts } = countRequests();
  let invocations = 0;
  const onLog = (name: string, text: string): void => {
    if (name === "split" && text.includes('"Planned"')) invocations += 1;
    if (/"level":"(WARN|ERROR)"/.test(text)) process.stdout.write(`${name}: ${text}\n`);
  };
  const settings = { "video_split.cut": cut, "video_split.output_files_duration_in_sec": segmentSeconds };
  const work = async ({ stack, s3, directory }: BenchStack): Promise<Measured> => {
    const [node, programs, disk] = [watchMemory(), watchPrograms(), watchDisk(join(directory, "lambda"))];
    const params = {
      Bucket: stack.names.uploads,
      Key: `${stack.uploadPrefix}${minutes}-minutes.mp4`,
      Body: createReadStream(path),
    };
    await new Upload({ client: s3, params }).done();
    const begun = Date.now();
    await stack.idle();
    const events = (await Array.fromAsync(stack.bridge.log(stack.names.bus))).map(parseEvent);
    const end = events.find(({ type }) => type === "VideoSplit");
    if (end === undefined) throw new Error(`The video of ${labelOf(minutes)} wasn't split`);
    return {
      ...{ minutes, counts, invocations, MB: size / MB, events: events.length, seconds: (timeOf(end) - begun) / 1_000 },
      segments: events.filter(({ type }) => type === "SegmentCreated").length,
      nodeMB: node.stop() / MB,
      programsMB: programs.stop() / MB,
      diskMB: disk.stop() / MB,
    };
  };
  try {
    return await withStack(settings, work, { intercept, onLog });
  } finally {
    await rm(path);
  }
}

/** For each hour of video. */
const hourly = {
  seconds: ({ seconds }: Measured) => seconds,
  "S3 requests": ({ counts }: Measured) => counts.s3,
  "ledger writes": ({ counts }: Measured) => counts.ledgerWrites,
  events: ({ events }: Measured) => events,
};

/** At any time. */
const peaks = {
  "memory of Node": ({ nodeMB }: Measured) => nodeMB,
  "memory of ffmpeg": ({ programsMB }: Measured) => programsMB,
  disk: ({ diskMB }: Measured) => diskMB,
};

function rowOf(measured: Measured): Row {
  const hours = measured.minutes / HOUR;
  const each = Object.entries(hourly).map(([name, of]) => [`${name} / hour`, (of(measured) / hours).toFixed(1)]);
  const peak = Object.entries(peaks).map(([name, of]) => [`peak ${name} MB`, of(measured).toFixed(1)]);
  return {
    length: labelOf(measured.minutes),
    MB: measured.MB.toFixed(1),
    segments: measured.segments,
    invocations: measured.invocations,
    seconds: measured.seconds.toFixed(1),
    "ledger reads": measured.counts.ledgerReads,
    ...Object.fromEntries([...each, ...peak]),
  };
}

/** A logarithmic axis has no zero. */
const MIN_PLOTTED = 0.01;

function plotsOf(all: readonly Measured[]): Plot[] {
  const xMarks = all.map(({ minutes }) => ({ x: minutes, label: labelOf(minutes) }));
  const lines = (figures: Record<string, (of: Measured) => number>, by: (of: Measured) => number) =>
    Object.entries(figures).map(([name, of]) => ({
      name,
      points: all.map((one) => ({ x: one.minutes, y: Math.max(MIN_PLOTTED, of(one) / by(one)) })),
    }));
  return [
    { title: "For each hour of video", unit: "", xMarks, lines: lines(hourly, ({ minutes }) => minutes / HOUR) },
    { title: "Peak, MB", unit: "", xMarks, lines: lines(peaks, () => 1) },
  ];
}

/** Splits videos of the same kind and of different lengths, and prints what each hour of them takes. */
export async function benchLength(options: LengthOptions): Promise<void> {
  const { folder, minutes, cut, isSaved } = options;
  const minute = await makeMinute(folder);
  const all: Measured[] = [];
  for (const length of minutes) {
    all.push(await measure(minute, length, options));
    process.stdout.write(`${labelOf(length)} split after ${all.at(-1)!.seconds.toFixed(1)} s\n`);
  }
  await report(
    "length",
    all.map((one) => ({ cut, ...rowOf(one) })),
    isSaved,
  );
  if (!isSaved || all.length < 2) return;
  const into = join(PROJECT_ROOT, "docs", "bench");
  await mkdir(into, { recursive: true });
  await writeFile(join(into, "length.svg"), svg(plotsOf(all)));
}
