import { environmentOf } from "../queues.ts";
import type { FunctionId, Topology } from "../topology.ts";
import { queueUrl } from "./arns.ts";
import { type DeadLetterQueues, ofInvocation } from "./dead-letters.ts";
import { type LocalLambda, openLambda } from "./lambda/index.ts";

export type FunctionsOptions = {
  directory: string;
  region: string;
  /** What the functions' AWS clients talk to. */
  endpoint: string;
  root: string;
  watch: boolean;
  /** Default: each function's own. */
  timeoutSeconds: number | undefined;
  retryDelayMs: (attempt: number) => number;
  onLog: (functionName: string, text: string) => void;
  deadLetters: DeadLetterQueues;
};

/** Of a function that has no concurrency of its own: what a new AWS account has for all of them. */
const UNRESERVED_CONCURRENCY = 10;

/** The topology's functions on the local Lambda. */
export const openFunctions = (topology: Topology<string>, options: FunctionsOptions): Promise<LocalLambda> =>
  openLambda({
    functions: Object.entries(topology.functions).map(([name, spec]) => ({
      name,
      handler: spec.handler,
      timeoutSeconds: options.timeoutSeconds ?? spec.timeoutSeconds,
      memoryMB: spec.memoryMB,
      concurrency: spec.concurrency ?? UNRESERVED_CONCURRENCY,
      retry: spec.retry,
      environment: {
        ...environmentOf(spec, (queue) => queueUrl(options.endpoint, queue)),
        AWS_ENDPOINT_URL: options.endpoint,
      },
    })),
    root: options.root,
    directory: options.directory,
    region: options.region,
    watch: options.watch,
    retryDelayMs: options.retryDelayMs,
    onLog: ({ functionName, text }) => options.onLog(functionName, text),
    onFailure: async (failed) => {
      const { failures } = topology.functions[failed.functionName as FunctionId];
      await options.deadLetters.send(failures, ofInvocation(failed, options.region));
    },
  });
