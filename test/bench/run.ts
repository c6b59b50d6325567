import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { UsageError } from "../../infra/command-line/run.ts";
import { benchBurst } from "./burst.ts";
import { benchConsole } from "./console.ts";
import { benchCut } from "./cut.ts";
import { benchFairness } from "./fairness.ts";
import { benchLong } from "./long.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchReads } from "./reads.ts";
import { benchReplay } from "./replay.ts";

const HELP = `npx video-split bench cut [VIDEO...] [--seconds 10,30] [--runs 1] [--minutes 10]

Cuts each video exactly and on keyframes, each with its proof, and in the same run encodes all of it with the same encoder
settings, and copies it with plain "ffmpeg -f segment -c copy". Without VIDEO, two videos of 10 minutes of 1080p are made,
with a keyframe every 250 frames and every 60. Quote ratios, not seconds: machines differ and are shared.

npx video-split bench reads [VIDEO...] [--megabytes 100]

Counts the GETs and the bytes that both cuts of each video request from S3, for its description and its index too. Without
VIDEO, a video of a minute and of that size is made in each container and layout.

npx video-split bench burst [--uploads 200] [--from FOLDER]

Uploads that many small videos at the same time to a local stack that splits four concurrently, and checks every document.
The videos are those of FOLDER, repeated as needed, or made.

npx video-split bench fairness [--uploads 50]

Uploads that many short videos at the same time to a local stack with four invocations, alone and beside a long one that is
cut in ranges, and prints the longest time from an upload to its VideoSplit.

npx video-split bench long VIDEO... [--limit 15] [--ranges N] [--cut exact|keyframe] [--seconds 30]

Splits each video by invocations of so many seconds, in at most so many ranges at the same time, and by a single one, and
compares events and documents. Prints how many invocations it took, and how much of the source was read.

npx video-split bench pipeline [--megabytes 2000] [--megabits 60] [--rate 75] [--cut exact|keyframe] [--save]

Splits a video of that size and bit rate, with S3 shaped to so many MB a second in each direction, and half of it for each
connection. Compares the time with reading and writing alone, and with download, copy and upload one after another.
--save writes the figures to docs/bench/.

npx video-split bench replay [--events 10000]

Projects that many events, deletes the table, replays the log and compares the documents to the byte.

npx video-split bench console [--segments 5000]

Opens the console's page in Chromium with a video of that many segments, scrolls through them, and receives the events of as
many more. Prints times, memory and frames.
`;

const OPTIONS = {
  seconds: { type: "string" },
  megabits: { type: "string", default: "60" },
  rate: { type: "string", default: "75" },
  save: { type: "boolean", default: false },
  limit: { type: "string", default: "15" },
  ranges: { type: "string" },
  cut: { type: "string", default: "exact" },
  runs: { type: "string", default: "1" },
  minutes: { type: "string", default: "10" },
  megabytes: { type: "string" },
  uploads: { type: "string" },
  from: { type: "string", default: "" },
  events: { type: "string", default: "10000" },
  segments: { type: "string", default: "5000" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Runs `npx video-split bench`. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseCommandLine("bench", { args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [what = "", ...videos] = positionals;
  const { minutes, runs, megabytes, uploads, from, events, cut } = values;
  const seconds = (values.seconds ?? "10,30").split(",").map(Number);
  const long = {
    ...{ videos, cut, limitSeconds: Number(values.limit) },
    ranges: values.ranges === undefined ? undefined : Number(values.ranges),
    segmentSeconds: Number(values.seconds ?? 30),
  };
  const bytesPerSecond = Number(values.rate) * 1e6;
  const pipeline = {
    ...{ megabytes: Number(megabytes ?? 2_000), megabits: Number(values.megabits), cut, isSaved: values.save },
    bandwidth: { perConnection: bytesPerSecond / 2, inAll: bytesPerSecond },
  };
  const benches: Record<string, (folder: string) => Promise<void>> = {
    cut: (folder) => benchCut({ videos, folder, seconds, minutes: Number(minutes), runs: Number(runs) }),
    reads: (folder) => benchReads({ videos, folder, megabytes: Number(megabytes ?? 100) }),
    pipeline: (folder) => benchPipeline({ ...pipeline, folder }),
    burst: (temporary) => benchBurst({ uploads: Number(uploads ?? 200), folder: from, temporary }),
    fairness: (folder) => benchFairness({ uploads: Number(uploads ?? 50), folder }),
    long: () => benchLong(long),
    replay: () => benchReplay(Number(events)),
    console: (folder) => benchConsole(Number(values.segments), folder),
  };
  const bench = benches[what];
  if (bench === undefined)
    throw new UsageError(
      `Specify ${Object.keys(benches).join(", ")}; got ${what || "nothing"}. See npx video-split bench --help`,
    );
  const folder = mkdtempSync(join(tmpdir(), "video-split-bench-"));
  try {
    await bench(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}
