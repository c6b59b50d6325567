import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Upload } from "@aws-sdk/lib-storage";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { ffmpeg } from "../fixtures/media.ts";
import { report } from "./report.ts";
import { type Bandwidth, shapedS3 } from "./shaped-s3.ts";
import { type BenchStack, withStack } from "./stack.ts";
import { watchDisk, watchMemory, watchPrograms } from "./watch.ts";

const SEGMENT_SECONDS = 30;

/** What is encoded; the rest repeats it. */
const MADE_SECONDS = 20;

const MEGABIT = 1_000_000;

/** Of the ideal time. */
const AIM = 0.85;

/** 1080p with noise, so that it has this bit rate. */
async function makeVideo(folder: string, megabytes: number, megabits: number): Promise<string> {
  const [first, path] = [join(folder, "first.mp4"), join(folder, "pipeline.mp4")];
  const rate = String(megabits * MEGABIT);
  const source = `testsrc2=size=1920x1080:rate=25:duration=${MADE_SECONDS},noise=alls=60:allf=t`;
  await ffmpeg(
    ...["-f", "lavfi", "-i", source, "-f", "lavfi", "-i", `sine=duration=${MADE_SECONDS}`],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-b:v", rate, "-maxrate", rate],
    ...["-bufsize", rate, "-c:a", "aac", first],
  );
  const { size } = await stat(first);
  const loops = Math.max(0, Math.ceil((megabytes * 1e6) / size) - 1);
  await ffmpeg("-stream_loop", String(loops), "-i", first, "-c", "copy", "-movflags", "+faststart", path);
  return path;
}

const secondsOf = async (work: Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work;
  return (performance.now() - begun) / 1_000;
};

export type PipelineOptions = {
  folder: string;
  megabytes: number;
  /** Of the video, a second. */
  megabits: number;
  cut: string;
  bandwidth: Bandwidth;
  isSaved: boolean;
};

const timeOf = ({ metadata }: VideoSplitEvent): number => Date.parse(metadata.occurredAt);

/**
 * Splits a large video with S3 shaped to what a function gets, and compares the time with the ideal
 * (only reading and writing, at the same time) and with download, copy by ffmpeg and upload, one after another.
 */
export async function benchPipeline(options: PipelineOptions): Promise<void> {
  const { folder, megabytes, megabits, cut, bandwidth, isSaved } = options;
  const path = await makeVideo(folder, megabytes, megabits);
  const { size } = await stat(path);
  const copying = ["-map", "0", "-c", "copy", "-f", "segment", "-segment_time", String(SEGMENT_SECONDS)];
  const copied = await secondsOf(ffmpeg("-i", path, ...copying, join(folder, "%05d.mp4")));
  const shaped = shapedS3(bandwidth, ({ method, url = "" }) => method === "GET" || url.includes("-segments/"));
  const settings = { "video_split.cut": cut, "video_split.output_files_duration_in_sec": SEGMENT_SECONDS };
  const work = async ({ stack, s3, directory }: BenchStack) => {
    const [memory, programs, disk] = [watchMemory(), watchPrograms(), watchDisk(join(directory, "lambda"))];
    const params = {
      Bucket: stack.names.uploads,
      Key: `${stack.uploadPrefix}pipeline.mp4`,
      Body: createReadStream(path),
    };
    await new Upload({ client: s3, params, partSize: 64 * 2 ** 20 }).done();
    const begun = Date.now();
    await stack.idle();
    const events = (await Array.fromAsync(stack.bridge.log(stack.names.bus))).map(parseEvent);
    const created = events.filter(({ type }) => type === "SegmentCreated");
    const end = events.find(({ type }) => type === "VideoSplit");
    if (end === undefined || created.length === 0) throw new Error("The video wasn't split");
    const written = created.reduce((sum, { data }) => sum + ("checksum" in data ? data.bytes : 0), 0);
    const seconds = (timeOf(end) - begun) / 1_000;
    const first = (Math.min(...created.map(timeOf)) - begun) / 1_000;
    return { seconds, first, written, memory: memory.stop(), programs: programs.stop(), disk: disk.stop() };
  };
  const { seconds, first, written, memory, programs, disk } = await withStack(settings, work, {
    intercept: shaped.intercept,
  });
  const [reading, writing] = [size / bandwidth.inAll, written / bandwidth.inAll];
  const ideal = Math.max(reading, writing);
  const row = {
    cut,
    MB: Math.round(size / 1e6),
    "Mbit/s": megabits,
    "S3 MB/s": Math.round(bandwidth.inAll / 1e6),
    seconds: seconds.toFixed(1),
    [`ideal / seconds (aim ${AIM})`]: (ideal / seconds).toFixed(2),
    "one after another / seconds": ((reading + copied + writing) / seconds).toFixed(2),
    "first segment after s": first.toFixed(1),
    "bytes read / size": (shaped.sent() / size).toFixed(2),
    "peak disk MB": Math.round(disk / 1e6),
    "peak memory of Node MB": Math.round(memory / 1e6),
    "peak memory of ffmpeg MB": Math.round(programs / 1e6),
  };
  await report(`pipeline-${cut}`, [row], isSaved);
}
