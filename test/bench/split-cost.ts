import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Upload } from "@aws-sdk/lib-storage";
import { type Cost, parseEvent, type VideoSplitEvent } from "#events-schema";
import { estimate, type Cost as Price, priceOf } from "../../infra/operations/estimate.ts";
import type { Usage } from "../../services/video/usage.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { type Row, report } from "./report.ts";
import { type BenchStack, withStack } from "./stack.ts";

const SEGMENT_SECONDS = 30;

const CUTS = ["keyframe", "exact"] as const;

/** What is encoded; the rest repeats it. No boundary of 30 seconds is at a keyframe then. */
const MADE_SECONDS = 25;
const KEYFRAMES = "3,13,23";

const MINUTES_AN_HOUR = 60;

export type SplitCostOptions = { folder: string; minutes: number; megabits: readonly number[]; isSaved: boolean };

/** 1080p with noise, so that it has this bit rate, and with a keyframe every ten seconds. */
async function makeVideo(folder: string, minutes: number, megabits: number): Promise<string> {
  const [first, path] = [join(folder, `first-${megabits}.mp4`), join(folder, `${megabits}-megabits.mp4`)];
  const rate = `${megabits}M`;
  const source = `testsrc2=size=1920x1080:rate=25:duration=${MADE_SECONDS},noise=alls=20:allf=t`;
  await ffmpeg(
    ...["-f", "lavfi", "-i", source, "-f", "lavfi", "-i", `sine=duration=${MADE_SECONDS}`],
    ...["-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-g", "1000", "-sc_threshold", "0"],
    ...["-force_key_frames", KEYFRAMES, "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-c:a", "aac", first],
  );
  const loop = ["-stream_loop", "-1", "-i", first, "-t", String(minutes * 60)];
  await ffmpeg(...loop, "-c", "copy", "-movflags", "+faststart", path);
  return path;
}

const usageOf = (cost: Cost): Usage => ({
  invocations: cost.invocations,
  gbSeconds: cost.gb_seconds,
  bytesRead: cost.bytes_read,
  bytesWritten: cost.bytes_written,
  s3Reads: cost.s3_reads,
  s3Writes: cost.s3_writes,
  dynamoReads: cost.dynamodb_reads,
  dynamoWrites: cost.dynamodb_writes,
  events: cost.events,
});

const sumOf = ({ lambda, s3, eventBridge, dynamoDB }: Price): number => lambda + s3 + eventBridge + dynamoDB;

const isEnd = (event: VideoSplitEvent): event is VideoSplitEvent<"VideoSplit"> => event.type === "VideoSplit";

/** Uploads a video, and resolves with its `VideoSplit`. */
async function splitOf({ stack, s3 }: BenchStack, path: string, cut: string): Promise<VideoSplitEvent<"VideoSplit">> {
  const Key = `${stack.uploadPrefix}${cut}-${basename(path)}`;
  const params = { Bucket: stack.names.uploads, Key, Body: createReadStream(path), Metadata: { cut } };
  await new Upload({ client: s3, params }).done();
  await stack.idle();
  const events = (await Array.fromAsync(stack.bridge.log(stack.names.bus))).map(parseEvent);
  const end = events.filter(isEnd).find(({ data }) => data.key === Key);
  if (end === undefined) throw new Error(`${Key} wasn't split`);
  return end;
}

/**
 * Splits videos of several bit rates by both cuts, and prints what an hour of each costs by
 * `VideoSplit.cost` and the prices of `npx video-split cost`, compared with that command's estimate.
 */
export async function benchSplitCost({ folder, minutes, megabits, isSaved }: SplitCostOptions): Promise<void> {
  const rows: Row[] = [];
  const settings = { "video_split.output_files_duration_in_sec": SEGMENT_SECONDS };
  await withStack(settings, async (bench) => {
    const { split } = bench.stack.topology.functions;
    for (const rate of megabits) {
      const path = await makeVideo(folder, minutes, rate);
      const { size } = await stat(path);
      for (const cut of CUTS) {
        const { data } = await splitOf(bench, path, cut);
        const price = priceOf(usageOf(data.cost!), split.architecture);
        const candidate = { bytes: size, seconds: data.duration, segmentSeconds: SEGMENT_SECONDS, cut };
        const estimated = estimate([candidate], { split, posters: false }).cost!;
        const hourly = (of: number): string => ((of * MINUTES_AN_HOUR) / minutes).toFixed(4);
        rows.push({
          ...{ "Mbit/s": rate, cut, minutes, segments: data.segment_count },
          "GB-seconds": data.cost!.gb_seconds,
          "bytes read / size": (data.cost!.bytes_read / size).toFixed(2),
          "S3 requests": data.cost!.s3_reads + data.cost!.s3_writes,
          ...{ "Lambda $/h": hourly(price.lambda), "S3 $/h": hourly(price.s3) },
          ...{ "EventBridge $/h": hourly(price.eventBridge), "DynamoDB $/h": hourly(price.dynamoDB) },
          "in all $/h": hourly(sumOf(price)),
          "measured / estimated": (sumOf(price) / sumOf(estimated)).toFixed(2),
        });
      }
    }
  });
  await report("cost", rows, isSaved);
}
