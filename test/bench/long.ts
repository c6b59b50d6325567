import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { paginateScan } from "@aws-sdk/lib-dynamodb";
import { Upload } from "@aws-sdk/lib-storage";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { UsageError } from "../../infra/command-line/run.ts";
import type { Intercept } from "../../infra/emulator/front.ts";
import type { Stack } from "../../infra/local/stack.ts";
import { outcomesById } from "../fixtures/outcomes.ts";
import { type BenchStack, withStack } from "./stack.ts";
import { counted } from "./watch.ts";

export type LongOptions = {
  /** Paths. */
  videos: readonly string[];
  cut: string;
  segmentSeconds: number;
  /** Of each invocation; 5 of them are for ending in order. */
  limitSeconds: number;
  /** Ranges of one video at the same time; undefined: as many as this machine can cut. */
  ranges: number | undefined;
};

type Run = {
  /** Type and data by event id, without the requests for ranges and the cost. */
  events: Map<string, unknown>;
  documents: unknown[];
  invocations: number;
  /** Ranges that the video was divided into; 1: it wasn't. */
  ranges: number;
  deadLetters: number;
  /** Of S3's answers to reads of the source. */
  bytesRead: number;
  seconds: number;
  /** How each segment was made. */
  made: Record<string, number>;
};

async function documentsOf({ documents, stack }: BenchStack): Promise<unknown[]> {
  const all: Record<string, unknown>[] = [];
  for await (const { Items = [] } of paginateScan({ client: documents }, { TableName: stack.names.videos }))
    for (const { creation_time: _, ...item } of Items) all.push(item);
  return all.sort((one, other) => Number(one.VideoId) - Number(other.VideoId));
}

const deadLettersOf = async ({ topology, deadLetters }: Stack): Promise<number> =>
  (await Promise.all(Object.keys(topology.queues).map(deadLetters.read))).flat().length;

function countsOf(events: readonly VideoSplitEvent[]): Pick<Run, "made" | "ranges"> {
  const made: Record<string, number> = {};
  const countOf = (way: string): void => {
    made[way] = (made[way] ?? 0) + 1;
  };
  const lasts = new Set<number>();
  for (const { type, data } of events) {
    if (type === "SegmentCreated") countOf(data.made ?? "unknown");
    if (type === "SegmentRangeRequested") lasts.add(data.last_segment);
  }
  return { made, ranges: Math.max(1, lasts.size) };
}

/** Splits a video on a stack of its own. Default: with Lambda's time for an invocation. */
async function splitOnce(path: string, options: LongOptions, timeoutSeconds?: number): Promise<Run> {
  let bytesRead = 0;
  let invocations = 0;
  const intercept: Intercept = (request, response, serve) => {
    if (request.method === "GET" && request.url?.includes(`/uploads/${basename(path)}`))
      counted(response, (bytes) => {
        bytesRead += bytes;
      });
    serve();
  };
  const onLog = (name: string, text: string): void => {
    if (name === "split" && text.includes('"Planned"')) invocations += 1;
  };
  const settings = {
    "video_split.cut": options.cut,
    "video_split.output_files_duration_in_sec": options.segmentSeconds,
    ...(options.ranges !== undefined && { "video_split.max_concurrent_ranges": options.ranges }),
  };
  const limits = {
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(options.ranges !== undefined && { concurrency: options.ranges }),
  };
  const work = async (bench: BenchStack): Promise<Run> => {
    const { stack, s3 } = bench;
    const begun = performance.now();
    const Key = `${stack.uploadPrefix}${basename(path)}`;
    await new Upload({
      client: s3,
      params: { Bucket: stack.names.uploads, Key, Body: createReadStream(path) },
    }).done();
    await stack.idle();
    const seconds = (performance.now() - begun) / 1_000;
    const all = (await Array.fromAsync(stack.bridge.log(stack.names.bus))).map(parseEvent);
    return {
      ...{ bytesRead, invocations, seconds, ...countsOf(all) },
      events: outcomesById(all),
      documents: await documentsOf(bench),
      deadLetters: await deadLettersOf(stack),
    };
  };
  return withStack(settings, work, { ...limits, intercept, onLog, functionRetryMs: () => 100 });
}

function compare(several: Run, whole: Run): string {
  const both = ({ events, documents }: Run) => ({ events: [...events].sort(), documents });
  return isDeepStrictEqual(both(several), both(whole)) ? "events and documents equal" : "NOT EQUAL";
}

/**
 * Splits each video by invocations with little time, and by one with Lambda's, and compares events
 * and documents. Throws where they differ or a dead letter is left.
 */
export async function benchLong(options: LongOptions): Promise<void> {
  if (options.videos.length === 0) throw new UsageError("Specify the videos");
  const faults: string[] = [];
  for (const path of options.videos) {
    const { size } = await stat(path);
    const several = await splitOnce(path, options, options.limitSeconds);
    const whole = await splitOnce(path, { ...options, ranges: 1 });
    const equality = compare(several, whole);
    if (equality === "NOT EQUAL" || several.deadLetters > 0) faults.push(path);
    const line = (what: string, { invocations, ranges, deadLetters, bytesRead, seconds }: Run): string =>
      `  ${what}: ${invocations} invocations, ${ranges} ranges, ${deadLetters} dead letters, ` +
      `${(bytesRead / size).toFixed(2)} of the source read, ${seconds.toFixed(0)} s\n`;
    process.stdout.write(
      `${basename(path)}, ${(size / 1e6).toFixed(0)} MB, ${options.cut}, ${options.segmentSeconds} s: ` +
        `${JSON.stringify(several.made)}; ${equality}\n` +
        line(`at most ${options.limitSeconds} s each`, several) +
        line("at most 900 s", whole),
    );
  }
  if (faults.length > 0) throw new Error(`Not split as by one invocation: ${faults.join(", ")}`);
}
