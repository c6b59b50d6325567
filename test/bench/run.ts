import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cut } from "#events-schema";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { UsageError } from "../../infra/command-line/run.ts";
import { benchBurst } from "./burst.ts";
import { benchBus } from "./bus.ts";
import { benchCold } from "./cold.ts";
import { benchConsole } from "./console.ts";
import { benchCut } from "./cut.ts";
import { benchFairness } from "./fairness.ts";
import { benchLength } from "./length.ts";
import { benchLong } from "./long.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchProjector } from "./projector.ts";
import { benchRanges } from "./ranges.ts";
import { benchReads } from "./reads.ts";
import { benchReplay } from "./replay.ts";
import { benchSplitCost } from "./split-cost.ts";

const HELP = `npx video-split bench cut [VIDEO...] [--seconds 10,30] [--runs 1] [--minutes 10] [--save]

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

npx video-split bench length [MINUTES...] [--cut exact|keyframe] [--seconds 300] [--save]

Splits videos of a low bit rate that last so many minutes (default: 1, 10, 60, 360 and 1440), and prints what an hour of
each takes: seconds, requests to S3 and to the ledger, events; and peak memory and disk. --save writes the figures and a
plot to docs/bench/.

npx video-split bench long VIDEO... [--limit 15] [--ranges N] [--cut exact|keyframe] [--seconds 30]

Splits each video by invocations of so many seconds, in at most so many ranges at the same time, and by a single one, and
compares events and documents. Prints how many invocations it took, and how much of the source was read.

npx video-split bench pipeline [--megabytes 2000] [--megabits 60] [--rate 75] [--cut exact|keyframe] [--save]

Splits a video of that size and bit rate, with S3 shaped to so many MB a second in each direction, and half of it for each
connection. Compares the time with reading and writing alone, and with download, copy and upload one after another.
--save writes the figures to docs/bench/.

npx video-split bench cost [--minutes 2] [--megabits 2,8,20] [--save]

Splits a video of each bit rate by both cuts, and prints what an hour costs, by VideoSplit.cost and the prices of "npx
video-split cost", compared with that command's estimate. Seconds are those of this machine.

npx video-split bench projector [--events 200] [--save]

Projects events by the projector's handler, and writes as many items by bare conditional puts, with and without a read.

npx video-split bench bus [--events 2000] [--save]

Matches events with the rules' patterns, and with === alone. Puts events on the local bus, and on a server that calls the
target itself.

npx video-split bench cold [--runs 9] [--save]

Imports each function's bundle in fresh processes, and a handler that does nothing.

npx video-split bench ranges [RANGES...] [--minutes 60] [--rate 75] [--cut exact|keyframe] [--seconds 120] [--save]

Cuts a video of an hour in so many ranges (default: 1, 2, 4, 8 and 16), one after another, each by a worker that has S3 for
itself, shaped to so many MB a second. Prints the speed-up over one range, if they were cut at the same time.

npx video-split bench replay [--events 10000]

Projects that many events, deletes the table, replays the log and compares the documents to the byte.

npx video-split bench console [--segments 5000]

Opens the console's page in Chromium with a video of that many segments, scrolls through them, and receives the events of as
many more. Prints times, memory and frames.
`;

const OPTIONS = {
  seconds: { type: "string" },
  megabits: { type: "string" },
  rate: { type: "string", default: "75" },
  save: { type: "boolean", default: false },
  limit: { type: "string", default: "15" },
  ranges: { type: "string" },
  cut: { type: "string", default: "exact" },
  runs: { type: "string" },
  minutes: { type: "string" },
  megabytes: { type: "string" },
  uploads: { type: "string" },
  from: { type: "string", default: "" },
  events: { type: "string" },
  segments: { type: "string", default: "5000" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Benches whose arguments are videos; those of others are numbers. */
const TAKE_VIDEOS = ["cut", "reads", "long"];

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
  if (!seconds.every((length) => length > 0))
    throw new UsageError(`--seconds is "${values.seconds}"; it must be seconds above 0, such as 30 or 10,30`);
  const long = {
    ...{ videos, cut, limitSeconds: Number(values.limit) },
    ranges: values.ranges === undefined ? undefined : Number(values.ranges),
    segmentSeconds: Number(values.seconds ?? 30),
  };
  const bytesPerSecond = Number(values.rate) * 1e6;
  const pipeline = {
    ...{ megabytes: Number(megabytes ?? 2_000), megabits: Number(values.megabits ?? 60), cut, isSaved: values.save },
    bandwidth: { perConnection: bytesPerSecond / 2, inAll: bytesPerSecond },
  };
  const cost = {
    ...{ minutes: Number(minutes ?? 2), isSaved: values.save },
    megabits: (values.megabits ?? "2,8,20").split(",").map(Number),
  };
  const lengths = {
    minutes: videos.length > 0 ? videos.map(Number) : [1, 10, 60, 360, 1_440],
    segmentSeconds: Number(values.seconds ?? 300),
  };
  const ranges = {
    segmentSeconds: Number(values.seconds ?? 120),
    counts: videos.length > 0 ? videos.map(Number) : [1, 2, 4, 8, 16],
    minutes: Number(minutes ?? 60),
    bandwidth: pipeline.bandwidth,
  };
  const benches: Record<string, (folder: string) => Promise<void>> = {
    cut: (folder) =>
      benchCut({
        videos,
        folder,
        seconds,
        minutes: Number(minutes ?? 10),
        runs: Number(runs ?? 1),
        isSaved: values.save,
      }),
    reads: (folder) => benchReads({ videos, folder, megabytes: Number(megabytes ?? 100) }),
    pipeline: (folder) => benchPipeline({ ...pipeline, folder }),
    burst: (temporary) => benchBurst({ uploads: Number(uploads ?? 200), folder: from, temporary }),
    fairness: (folder) => benchFairness({ uploads: Number(uploads ?? 50), folder }),
    length: (folder) => benchLength({ ...lengths, cut, isSaved: values.save, folder }),
    long: () => benchLong(long),
    replay: () => benchReplay(Number(events ?? 10_000)),
    cost: (folder) => benchSplitCost({ ...cost, folder }),
    projector: () => benchProjector({ events: Number(events ?? 200), isSaved: values.save }),
    bus: (folder) => benchBus({ folder, events: Number(events ?? 2_000), isSaved: values.save }),
    cold: (folder) => benchCold({ folder, runs: Number(runs ?? 9), isSaved: values.save }),
    ranges: (folder) => benchRanges({ ...ranges, cut: Cut.parse(cut), isSaved: values.save, folder }),
    console: (folder) => benchConsole(Number(values.segments), folder),
  };
  const bench = benches[what];
  if (bench === undefined)
    throw new UsageError(
      `Specify ${Object.keys(benches).join(", ")}; got ${what || "nothing"}. See npx video-split bench --help`,
    );
  const missing = TAKE_VIDEOS.includes(what) ? videos.find((path) => !existsSync(path)) : undefined;
  if (missing !== undefined) throw new UsageError(`${missing} doesn't exist. Name videos`);
  const folder = mkdtempSync(join(tmpdir(), "video-split-bench-"));
  try {
    await bench(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}
