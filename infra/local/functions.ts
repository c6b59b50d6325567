import { availableParallelism, totalmem } from "node:os";
import { environmentOf } from "../aws/queues.ts";
import { queueUrl } from "../emulator/arns.ts";
import { type LocalFunction, type LocalLambda, openLambda } from "../emulator/lambda/index.ts";
import { bundle } from "../packaging/bundle.ts";
import type { Topology } from "../topology.ts";
import { type Consumer, consumerFunctions } from "./consumers.ts";
import { type DeadLetterQueues, ofInvocation } from "./dead-letter-queues.ts";

export type FunctionsOptions = {
  /** Functions besides the topology's. */
  consumers: readonly Consumer[];
  directory: string;
  region: string;
  /** The endpoint of the functions' AWS clients. */
  endpoint: string;
  root: string;
  watch: boolean;
  /** Default: each function's own. */
  timeoutSeconds: number | undefined;
  /** Of each function that has none of its own. Default: as many as fit this machine. */
  concurrency: number | undefined;
  retryDelayMs: (attempt: number) => number;
  onLog: (functionName: string, text: string) => void;
  deadLetters: DeadLetterQueues;
};

/** Of a function that has no concurrency of its own: what a new AWS account has for all of them. */
const UNRESERVED_CONCURRENCY = 10;

/** Share of this machine's memory that the concurrent invocations of one function may use. */
const MEMORY_SHARE = 0.6;

const BYTES_PER_MB = 2 ** 20;

/**
 * At least two, so that a function that waits for another invocation of itself doesn't wait for
 * ever.
 */
const MIN_BY_CORES = 2;

/**
 * As many invocations as the machine has cores, two at least, and as fit into its memory, one at
 * least: each may use all of its own memory. More would only start more processes.
 */
export const localConcurrency = (memoryMB: number, machine: { bytes: number; cores: number }): number =>
  Math.max(
    1,
    Math.min(
      UNRESERVED_CONCURRENCY,
      Math.max(MIN_BY_CORES, machine.cores),
      Math.floor((machine.bytes * MEMORY_SHARE) / (memoryMB * BYTES_PER_MB)),
    ),
  );

/** Cores for each range: an invocation reads, encodes and proves at the same time. */
const CORES_BY_RANGE = 2;

/**
 * Concurrent ranges of one video. On AWS each has a vCPU; here they share the cores. With more,
 * each would be slower, and perhaps make no segment within an invocation's time.
 */
export const localRanges = (most: number, cores: number = availableParallelism()): number =>
  Math.max(1, Math.min(most, Math.floor(cores / CORES_BY_RANGE)));

const thisMachine = () => ({ bytes: totalmem(), cores: availableParallelism() });

/** The topology's functions, each with the queue of its failures. */
const topologyFunctions = (
  topology: Topology<string>,
  { timeoutSeconds, endpoint }: FunctionsOptions,
  concurrency: (memoryMB: number) => number,
): (LocalFunction & { failures: string })[] =>
  Object.entries(topology.functions).map(([name, spec]) => ({
    name,
    handler: spec.handler,
    timeoutSeconds: timeoutSeconds ?? spec.timeoutSeconds,
    memoryMB: spec.memoryMB,
    concurrency: spec.concurrency ?? concurrency(spec.memoryMB),
    retry: spec.retry,
    environment: environmentOf(spec, (queue) => queueUrl(endpoint, queue)),
    failures: spec.failures,
  }));

/** The topology's functions, and those of consumers, on the local Lambda. */
export function openFunctions(topology: Topology<string>, options: FunctionsOptions): Promise<LocalLambda> {
  const concurrency = (memoryMB: number) => options.concurrency ?? localConcurrency(memoryMB, thisMachine());
  const { retry } = topology.functions.split;
  const specs = [
    ...topologyFunctions(topology, options, concurrency),
    ...consumerFunctions(options.consumers, { retry, concurrency }),
  ];
  const failures = new Map(specs.map((spec) => [spec.name, spec.failures]));
  return openLambda({
    functions: specs.map(({ failures: _, environment, ...spec }) => ({
      ...spec,
      environment: { ...environment, AWS_ENDPOINT_URL: options.endpoint },
    })),
    bundle,
    root: options.root,
    directory: options.directory,
    region: options.region,
    watch: options.watch,
    retryDelayMs: options.retryDelayMs,
    onLog: ({ functionName, text }) => options.onLog(functionName, text),
    onFailure: async (failed) =>
      options.deadLetters.send(failures.get(failed.functionName)!, ofInvocation(failed, options.region)),
  });
}
