import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { LOCAL_CREDENTIALS } from "../../infra/local/names.ts";
import { median } from "./cost.ts";
import type { Done, Job } from "./projector-process.ts";
import { report } from "./report.ts";
import { type BenchStack, withStack } from "./stack.ts";

export type ProjectorOptions = { events: number; isSaved: boolean };

/** As in projector-process.ts, which can't be imported: it begins to work. */
const WAYS = ["handler", "read and conditional put", "conditional put"] as const satisfies Job["way"][];

const RIVAL = "conditional put";

const RUNS = 3;

/** Of a video: the plan and the end are two more events. */
const SEGMENTS = 8;

const PROCESS = join(import.meta.dirname, "projector-process.ts");

/** Runs one way in a process of its own. */
async function runOnce({ stack }: BenchStack, job: Omit<Job, "table" | "region">): Promise<Done> {
  const { region, names } = stack;
  const env = {
    ...{ DYNAMODB_TABLE_ID: names.videos, DYNAMODB_REGION: region, POWERTOOLS_METRICS_NAMESPACE: "VideoSplit" },
    ...{ AWS_ENDPOINT_URL: stack.endpoint, AWS_REGION: region },
    ...{ AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey },
  };
  const child = fork(PROCESS, [JSON.stringify({ ...job, table: names.videos, region })], {
    env,
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exit = once(child, "exit");
  const message = once(child, "message");
  const ended = await Promise.race([message, exit.then(([code]) => new Error(`It ended with ${code}`))]);
  await exit;
  if (ended instanceof Error) throw ended;
  return ended[0] as Done;
}

/**
 * Projects events by the projector's handler, into the local DynamoDB, and writes as many items with
 * the same data by bare conditional puts, alone and after a read. Prints events a second.
 */
export async function benchProjector({ events, isSaved }: ProjectorOptions): Promise<void> {
  const videos = Math.ceil(events / (SEGMENTS + 2));
  await withStack({}, async (bench) => {
    const rates = new Map<string, number[]>(WAYS.map((way) => [way, []]));
    let firstVideo = 0;
    for (let run = 0; run < RUNS; run += 1)
      for (const way of WAYS) {
        const done = await runOnce(bench, { way, firstVideo, videos, segments: SEGMENTS });
        rates.get(way)!.push(done.events / done.seconds);
        firstVideo += videos;
      }
    const rateOf = (way: string): number => median(rates.get(way)!);
    const rows = WAYS.map((way) => ({
      way,
      events: videos * (SEGMENTS + 2),
      "a second": rateOf(way).toFixed(0),
      [`/ ${RIVAL}`]: (rateOf(way) / rateOf(RIVAL)).toFixed(2),
    }));
    await report("projector", rows, isSaved);
  });
}
