import { createReadStream } from "node:fs";
import { mkdtemp, stat } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { dynamoLedger, sha256 } from "../../services/aws/ledger.ts";
import { s3MediaStore } from "../../services/aws/media-store.ts";
import { dynamoSavedIndexes } from "../../services/aws/saved-indexes.ts";
import { ffmpegMediaTools } from "../../services/ffmpeg/index.ts";
import { type CutRequest, cutVideo } from "../../services/split/cut-video.ts";
import type { Announce, SplitDependencies } from "../../services/split/dependencies.ts";
import { MIN_SHARE_OF_TIME, rangesOf, type SegmentRange } from "../../services/split/domain/ranges.ts";
import type { CutChoice } from "../../services/split/ports/ledger.ts";
import type { Log } from "../../services/video/ports/log.ts";
import { NO_USAGE } from "../../services/video/usage.ts";
import { NEVER } from "../fixtures/cut.ts";
import { binaries, ffmpeg } from "../fixtures/media.ts";
import { report } from "./report.ts";
import { type Bandwidth, shapedS3 } from "./shaped-s3.ts";
import { type BenchStack, withStack } from "./stack.ts";

/** What is encoded; the rest repeats it. Four of five boundaries fall into a group of pictures. */
const MADE_SECONDS = 50;

/** Of this bench alone: nothing is split when a video is uploaded there. */
const BUCKETS = { source: "ranges-source", segments: "ranges-segments" };

const SOURCE_KEY = "ranges.mp4";

async function makeVideo(folder: string, minutes: number): Promise<string> {
  const [first, path] = [join(folder, "first.mp4"), join(folder, SOURCE_KEY)];
  const picture = `testsrc2=size=320x180:rate=25:duration=${MADE_SECONDS},noise=alls=8:allf=t`;
  await ffmpeg(
    ...["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `sine=duration=${MADE_SECONDS}`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "240", "-sc_threshold", "0"],
    ...["-b:v", "500k", "-c:a", "aac", first],
  );
  const loops = String(Math.max(0, Math.ceil((minutes * 60) / MADE_SECONDS) - 1));
  await ffmpeg("-stream_loop", loops, "-i", first, "-c", "copy", "-movflags", "+faststart", path);
  return path;
}

export type RangesOptions = {
  folder: string;
  minutes: number;
  /** How many ranges are cut at the same time, in each measurement. */
  counts: readonly number[];
  cut: CutChoice["cut"];
  segmentSeconds: number;
  bandwidth: Bandwidth;
  isSaved: boolean;
};

/** Seconds since a worker began. */
type Worked = { planned: number; all: number; segments: number };

/** What cuts a range: the service's code, with real parts. Each call is a worker of its own. */
function workerOf({ s3, documents, stack }: BenchStack, options: RangesOptions, bytes: number) {
  const { folder, cut, segmentSeconds } = options;
  const source = { bucket: BUCKETS.source, key: SOURCE_KEY };
  const requested = { segmentSeconds, cut, outputKeyPrefix: "" };
  const ledger = dynamoLedger(documents, stack.names.ledger);
  return async (videoId: number, own?: { range: SegmentRange; ranges: readonly SegmentRange[] }): Promise<Worked> => {
    const planned = { ranges: own?.ranges ?? [], extension: "mp4", begunAt: 0 };
    const request: CutRequest = {
      requested,
      isRetry: own !== undefined,
      own: own && { range: own.range, recorded: await ledger.planRanges(videoId, planned) },
    };
    const begun = performance.now();
    const since = (): number => (performance.now() - begun) / 1_000;
    const worked: Worked = { planned: 0, all: 0, segments: 0 };
    const log: Log = {
      info: (message) => {
        if (message === "Planned") worked.planned = since();
      },
      warn: (message, fields) => process.stdout.write(`${message} ${JSON.stringify(fields)}\n`),
      with: () => log,
    };
    const announce: Announce = async (type) => {
      if (type === "SegmentCreated") worked.segments += 1;
    };
    const store = s3MediaStore(s3);
    const stored = await store.describe(source.bucket, source.key);
    if (stored === undefined) throw new Error("The video isn't stored");
    const dependencies: SplitDependencies = {
      ...{ store, log, hash: sha256, now: () => new Date(), secondsLeft: () => Number.POSITIVE_INFINITY },
      publisher: { publish: async () => {} },
      ledger,
      indexes: dynamoSavedIndexes(documents, stack.names.ledger),
      media: ffmpegMediaTools(await binaries),
      once: async () => {
        throw new Error("a worker takes no record");
      },
      measure: () => {},
      takeUsage: () => ({ ...NO_USAGE, invocations: 1 }),
      makeTemporaryFolder: () => mkdtemp(join(folder, "worker-")),
      settings: {
        ...{ uploadKeyPrefix: "", acceptedExtensions: ["mp4"], outputBucket: BUCKETS.segments, outputKeyPrefix: "" },
        ...{ outputKeyRoot: "", segmentSeconds, cut, largestObjectBytes: bytes, maxConcurrentRanges: 1 },
      },
    };
    const upload = { videoId, source: stored.source, bytes };
    await cutVideo(upload, request, dependencies, announce, NEVER);
    return { ...worked, all: since() };
  };
}

/**
 * Seconds from the start until `ranges` workers that run at the same time have cut everything. The
 * first one plans, and cuts alone for `alone` seconds, as long as the service takes to find out
 * that the video needs several.
 */
function simulatedSeconds(
  whole: { planned: number; all: number },
  ranges: readonly { seconds: number }[],
  alone: number,
): number {
  const cutting = whole.all - whole.planned;
  const left = Math.max(0, 1 - alone / cutting);
  return whole.planned + Math.min(alone, cutting) + left * Math.max(...ranges.map(({ seconds }) => seconds));
}

/** How many times an invocation's time the video takes when it isn't divided. */
const INVOCATIONS = [1, 4];

const fixed = (value: number): string => value.toFixed(1);

/**
 * Cuts a video as one range, and then in more and more ranges, one after another, each by a worker
 * that has S3 for itself. Prints the speed-up if those of one measurement ran at the same time.
 */
export async function benchRanges(options: RangesOptions): Promise<void> {
  const { folder, minutes, counts, cut, bandwidth, isSaved } = options;
  const path = await makeVideo(folder, minutes);
  const { size } = await stat(path);
  const shaped = shapedS3(bandwidth, ({ url = "" }) => url.includes("ranges-"));
  const work = async (bench: BenchStack): Promise<void> => {
    const { s3 } = bench;
    for (const Bucket of Object.values(BUCKETS)) await s3.send(new CreateBucketCommand({ Bucket }));
    const params = { Bucket: BUCKETS.source, Key: SOURCE_KEY, Body: createReadStream(path) };
    await new Upload({ client: s3, params, partSize: 64 * 2 ** 20 }).done();
    const worker = workerOf(bench, options, size);
    const whole = await worker(1);
    const rows = [];
    for (const count of counts) {
      const before = shaped.sent();
      const seconds: number[] = [];
      const ranges = rangesOf(whole.segments, 0, count);
      for (const range of count === 1 ? [] : ranges) {
        // A video of its own for each, so that none finds the segments of another.
        const { all } = await worker(1_000_000 * count + range.first, { range, ranges });
        seconds.push(all);
      }
      const cutting = whole.all - whole.planned;
      const each = count === 1 ? [{ seconds: cutting }] : seconds.map((one) => ({ seconds: one }));
      const simulated = (alone: number) => whole.all / simulatedSeconds(whole, each, alone);
      rows.push({
        cut,
        ranges: count,
        "plan s (measured)": fixed(whole.planned),
        "longest range s (measured)": fixed(Math.max(...each.map((one) => one.seconds))),
        "all ranges s (measured)": fixed(each.reduce((sum, one) => sum + one.seconds, 0)),
        "bytes read / size (measured)": count === 1 ? "" : ((shaped.sent() - before) / size).toFixed(2),
        "speed-up if divided at once (simulated)": simulated(0).toFixed(2),
        ...Object.fromEntries(
          INVOCATIONS.map((times) => [
            `speed-up if it takes ${times} × an invocation's time (simulated)`,
            simulated((MIN_SHARE_OF_TIME * whole.all) / times).toFixed(2),
          ]),
        ),
      });
    }
    process.stdout.write(
      `${minutes} minutes, ${Math.round(size / 1e6)} MB, ${whole.segments} segments, ${cut}. Measured: each worker alone on this ` +
        "machine, from opening the video to its last recorded segment. Simulated: that the workers of one row run at the " +
        "same time, each with a function and an S3 connection of its own. Start-up of a function isn't included.\n",
    );
    await report("ranges", rows, isSaved);
  };
  await withStack({}, work, { intercept: shaped.intercept });
}
