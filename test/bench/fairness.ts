import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { ffmpeg, makeMedia } from "../fixtures/media.ts";
import { type BenchStack, withStack } from "./stack.ts";

/** Invocations of the split function at the same time. */
const CONCURRENCY = 4;

/** Of an invocation: the long video takes ten times as long. Lambda has 900. */
const TIMEOUT_SECONDS = 20;

const LONG_SECONDS = 600;

const LONG = "long.webm";

/** VP9 is encoded for an exact cut. */
const makeLong = (path: string): Promise<unknown> =>
  ffmpeg(
    ...["-f", "lavfi", "-i", `testsrc2=size=640x360:rate=25:duration=${LONG_SECONDS}`],
    ...["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "250", "-b:v", "500k", path],
  );

const eventsOf = async ({ stack }: BenchStack): Promise<VideoSplitEvent[]> =>
  (await Array.fromAsync(stack.bridge.log(stack.names.bus))).map(parseEvent);

const put = ({ s3, stack }: BenchStack, key: string, body: Buffer): Promise<unknown> =>
  s3.send(new PutObjectCommand({ Bucket: stack.names.uploads, Key: `${stack.uploadPrefix}${key}`, Body: body }));

/** Waits until the long video is cut in ranges. */
async function untilDivided(bench: BenchStack): Promise<void> {
  const isDivided = async () => (await eventsOf(bench)).some(({ type }) => type === "SegmentRangeRequested");
  while (!(await isDivided())) await sleep(500);
}

type Waits = { longest: number; median: number /** Invocations that cut the long video. */; invocations: number };

/** Seconds from the upload of each short video to its `VideoSplit`. */
async function waitsOf(bench: BenchStack, uploads: number, short: Buffer): Promise<Waits> {
  const begun = Date.now();
  await Promise.all(Array.from({ length: uploads }, (_, at) => put(bench, `short-${at}.mp4`, short)));
  await bench.stack.idle();
  const events = await eventsOf(bench);
  const ends = events.flatMap(({ type, data, metadata }) =>
    type === "VideoSplit" && data.name.startsWith("short-") ? [Date.parse(metadata.occurredAt)] : [],
  );
  if (new Set(ends).size === 0 || ends.length < uploads) throw new Error(`${ends.length} of ${uploads} were split`);
  const waits = ends.map((end) => (end - begun) / 1_000).sort((one, other) => one - other);
  const invocations = events.filter(({ type }) => type === "SegmentRangeRequested").length + 1;
  return { longest: waits.at(-1)!, median: waits[Math.floor(waits.length / 2)]!, invocations };
}

/** Uploads short videos alone, then beside a long one. Throws where one isn't split. */
export async function benchFairness({ uploads, folder }: { uploads: number; folder: string }): Promise<void> {
  const long = join(folder, LONG);
  await makeLong(long);
  const short = await readFile(await makeMedia(folder, "keyframe-each-second.mp4"));
  const settings = { "video_split.concurrency": CONCURRENCY, "video_split.output_files_duration_in_sec": 5 };
  const options = { timeoutSeconds: TIMEOUT_SECONDS, functionRetryMs: () => 100 };
  const alone = await withStack(settings, (bench) => waitsOf(bench, uploads, short), options);
  const besides = await withStack(
    settings,
    async (bench) => {
      await put(bench, LONG, await readFile(long));
      await untilDivided(bench);
      return waitsOf(bench, uploads, short);
    },
    options,
  );
  const line = (what: string, { longest, median }: Waits): void =>
    void process.stdout.write(`${what}  longest ${longest.toFixed(1)} s, median ${median.toFixed(1)} s\n`);
  line(`${uploads} short videos alone           `, alone);
  line(`${uploads} short videos beside a long one`, besides);
  process.stdout.write(
    `longest wait: ${(besides.longest / alone.longest).toFixed(2)} times as long; ` +
      `${besides.invocations} invocations for the long video, at concurrency ${CONCURRENCY}, all on this machine's cores\n`,
  );
}
