import { environmentOf } from "../../../infra/aws/queues.ts";
import type { FunctionId } from "../../../infra/topology.ts";
import { type Check, isDev, same } from "../check.ts";
import type { Graph } from "../graph.ts";

const FUNCTION = "lambda/function:Function";
const ASYNC = "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig";
const LOG = "cloudwatch/logGroup:LogGroup";

const ofEach = (graph: Graph, faultsOf: (id: FunctionId) => string[]): string[] =>
  (Object.keys(graph.topology.functions) as FunctionId[]).flatMap(faultsOf);

const ofFunctions = (change: (inputs: Record<string, unknown>) => Record<string, unknown>) => (graph: Graph) =>
  graph.with(FUNCTION, change);

/** A function's own variables: SST adds some for its `Resource`. */
const variablesOf = (inputs: Readonly<Record<string, unknown>>): Record<string, string> => {
  const { variables = {} } = (inputs.environment ?? {}) as { variables?: Record<string, string> };
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("SST_")));
};

export const functions: Check[] = [
  {
    says: "each function has the topology's limits, on its architecture and Lambda's newest Node.js",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const spec = graph.topology.functions[id];
        const { inputs } = graph.lambda(id);
        return same(
          `${id}'s limits`,
          [
            inputs.timeout,
            inputs.memorySize,
            inputs.ephemeralStorage,
            inputs.reservedConcurrentExecutions,
            inputs.architectures,
            inputs.runtime,
            inputs.description,
          ],
          [
            spec.timeoutSeconds,
            spec.memoryMB,
            { size: spec.storageMB },
            spec.concurrency,
            [spec.architecture],
            "nodejs24.x",
            spec.description,
          ],
        );
      }),
    broken: {
      "SST's 20 seconds": ofFunctions(() => ({ timeout: 20 })),
      "SST's 1,024 MB": ofFunctions(() => ({ memorySize: 1_024 })),
      "Lambda's smallest /tmp": ofFunctions(() => ({ ephemeralStorage: undefined })),
      "another concurrency": ofFunctions(() => ({ reservedConcurrentExecutions: 3 })),
      "another architecture": ofFunctions(() => ({ architectures: ["riscv"] })),
      "another runtime": ofFunctions(() => ({ runtime: "nodejs20.x" })),
    },
    // There SST deploys a stub of each function.
    unless: isDev,
  },
  {
    says: "each function has the topology's environment, the URL of the queue that it clears, and nothing more",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const expected = environmentOf(graph.topology.functions[id], (queue) => String(graph.queue(queue).state.url));
        return same(`${id}'s environment`, variablesOf(graph.lambda(id).inputs), expected);
      }),
    broken: {
      "a variable missing": ofFunctions(() => ({ environment: { variables: {} } })),
      "another queue": ofFunctions((inputs) => {
        const variables = variablesOf(inputs);
        const { VIDEO_SPLIT_CLEARED_QUEUE_URL: url } = variables;
        return {
          environment: { variables: { ...variables, ...(url && { VIDEO_SPLIT_CLEARED_QUEUE_URL: `${url}s` }) } },
        };
      }),
      "one more": ofFunctions((inputs) => ({ environment: { variables: { ...variablesOf(inputs), MORE: "1" } } })),
    },
  },
  {
    says: "each function is built from the topology's handler, for its architecture, its programs beside the bundle, without npm",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const spec = graph.topology.functions[id];
        const builds = graph.synthesis.builds.filter(({ handler }) => handler === spec.handler);
        const actual = builds.map(({ properties, programs = [] }) => [
          properties.architecture,
          [...programs].sort(),
          Object.keys(properties.install ?? {}),
          properties.minify,
        ]);
        return same(`${id}'s builds`, actual, [[spec.architecture, [...spec.programs].sort(), [], true]]);
      }),
    broken: {
      "no program": (graph) => graph.withPrograms([]),
      "a package that SST installs": (graph) => graph.withBuilds({ install: { "ffmpeg-static": "5.3.0" } }),
      "another architecture": (graph) => graph.withBuilds({ architecture: "riscv" }),
      "not minified": (graph) => graph.withBuilds({ minify: false }),
    },
    // `sst dev` runs handlers on the developer's machine, without a build.
    unless: isDev,
  },
  {
    says: "each function's asynchronous invocations are retried as the topology says, and end in its failures queue",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const { retry, failures } = graph.topology.functions[id];
        const configs = graph.all(ASYNC).filter(({ inputs }) => inputs.functionName === graph.lambda(id).state.name);
        const actual = configs.map(({ inputs }) => [
          inputs.maximumRetryAttempts,
          inputs.maximumEventAgeInSeconds,
          inputs.destinationConfig,
        ]);
        const destination = { onFailure: { destination: graph.queue(failures).state.arn } };
        return same(`${id}'s retries`, actual, [[retry.attempts, retry.maxAgeSeconds, destination]]);
      }),
    broken: {
      "no configuration": (graph) => graph.without(ASYNC),
      "no destination": (graph) => graph.with(ASYNC, () => ({ destinationConfig: undefined })),
      "no retry": (graph) => graph.with(ASYNC, () => ({ maximumRetryAttempts: 0 })),
      "no age": (graph) => graph.with(ASYNC, () => ({ maximumEventAgeInSeconds: undefined })),
    },
  },
  {
    says: "each function logs to a group of its own with a retention time",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const { logGroup } = (graph.lambda(id).inputs.loggingConfig ?? {}) as { logGroup?: string };
        const group = graph.find(LOG, "name", logGroup);
        const others = graph.all(FUNCTION).filter(({ inputs }) => {
          const { logGroup: theirs } = (inputs.loggingConfig ?? {}) as { logGroup?: string };
          return theirs === logGroup;
        });
        const { logRetentionDays } = graph.topology.functions[id];
        return [
          ...same(`${id}'s log retention`, group?.inputs.retentionInDays, logRetentionDays),
          ...same(`the number of functions that log to ${logGroup}`, others.length, 1),
        ];
      }),
    broken: {
      "logs for ever": (graph) => graph.with(LOG, () => ({ retentionInDays: undefined })),
      "no group": (graph) => graph.without(LOG),
      "one group for both": ofFunctions(() => ({ loggingConfig: { logGroup: "shared" } })),
    },
  },
];
