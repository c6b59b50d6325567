import { hasWildcards } from "../../infra/emulator/events/pattern/wildcard-complexity.ts";
import { MAX_PACKAGE_BYTES, RECORDED } from "../../infra/packaging/index.ts";
import type { Graph } from "./graph.ts";
import type { Resource } from "./synth/contract.ts";

/** A documented limit of AWS, and how much of it a stage uses. */
export type Quota = {
  says: string;
  limit: number;
  /** "account": stages of an account share it. "each": the largest one counts. */
  of: "account" | "each";
  used(graph: Graph): number;
  source: string;
};

const EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html";
const LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";
const IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
const DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html";
const CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html";

const RULE = "cloudwatch/eventRule:EventRule";
const TARGET = "cloudwatch/eventTarget:EventTarget";
const FUNCTION = "lambda/function:Function";
const PERMISSION = "lambda/permission:Permission";
const ROLE = "iam/role:Role";

const made = (graph: Graph, type: string): Resource[] => graph.all(type).filter(({ options }) => !options.read);

const largest = (values: readonly number[]): number => Math.max(0, ...values);

const onBus = (graph: Graph, bus: string): Resource[] =>
  made(graph, RULE).filter(({ inputs }) => inputs.eventBusName === bus);

const patternOf = ({ inputs }: Resource): string => String(inputs.eventPattern ?? "{}");

const bytes = (value: unknown): number => Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value));

/** Bytes of a permission in a function's policy: AWS adds a name to it. */
const STATEMENT_BYTES = 400;

/** What a handler's bundle may have at most: test/unit/infra/bundling.test.ts holds it. */
const MAX_BUNDLE_BYTES = 3 * 1024 * 1024;

/** Bytes of each function's package, unzipped: its bundle, and its programs for whichever architecture has larger ones. */
const packagesOf = ({ topology }: Graph): number[] =>
  Object.values(topology.functions).map(({ programs }) => {
    const sizes = [RECORDED.arm64, RECORDED.x86_64].map((recorded) =>
      programs.reduce((sum, program) => sum + (recorded?.[program].program.bytes ?? Number.NaN), 0),
    );
    return MAX_BUNDLE_BYTES + largest(sizes);
  });

const count =
  (type: string) =>
  (graph: Graph): number =>
    made(graph, type).length;

const longestName =
  (type: string, property = "name") =>
  (graph: Graph): number =>
    largest(made(graph, type).map(({ inputs, state }) => String(inputs[property] ?? state[property]).length));

const name = (what: string, type: string, limit: number, source: string, property?: string): Quota => ({
  ...{ says: `characters in the name of ${what}`, limit, of: "each", source },
  used: longestName(type, property),
});

export const QUOTAS: readonly Quota[] = [
  {
    ...{ says: "rules with wildcards on the default bus", limit: 30, of: "account", source: EVENTS },
    used: (graph) => onBus(graph, "default").filter((rule) => hasWildcards(JSON.parse(patternOf(rule)))).length,
  },
  {
    ...{ says: "rules on the default bus", limit: 300, of: "account", source: EVENTS },
    used: (graph) => onBus(graph, "default").length,
  },
  {
    ...{ says: "rules on the video bus", limit: 300, of: "each", source: EVENTS },
    used: (graph) => onBus(graph, graph.topology.buses.video.name).length,
  },
  {
    ...{ says: "targets of a rule", limit: 5, of: "each", source: EVENTS },
    used: (graph) =>
      largest(
        made(graph, RULE).map(
          ({ state }) => made(graph, TARGET).filter(({ inputs }) => inputs.rule === state.name).length,
        ),
      ),
  },
  {
    ...{ says: "characters in an event pattern", limit: 2_048, of: "each", source: EVENTS },
    used: (graph) => largest(made(graph, RULE).map((rule) => patternOf(rule).length)),
  },
  {
    ...{ says: "event buses", limit: 100, of: "account", source: EVENTS },
    used: count("cloudwatch/eventBus:EventBus"),
  },
  {
    ...{ says: "executions that functions reserve, of a new account's", limit: 0, of: "account", source: LAMBDA },
    used: (graph) =>
      made(graph, FUNCTION).reduce((sum, { inputs }) => sum + Number(inputs.reservedConcurrentExecutions ?? 0), 0),
  },
  {
    ...{ says: "bytes of a function's package, unzipped", limit: MAX_PACKAGE_BYTES, of: "each", source: LAMBDA },
    used: (graph) => largest(packagesOf(graph)),
  },
  {
    ...{ says: "bytes of all packages, counted unzipped", limit: 75 * 1024 ** 3, of: "account", source: LAMBDA },
    used: (graph) => packagesOf(graph).reduce((sum, size) => sum + size, 0),
  },
  {
    ...{ says: "bytes of a function's environment", limit: 4_096, of: "each", source: LAMBDA },
    used: (graph) =>
      largest(
        made(graph, FUNCTION).map(({ inputs }) => {
          const { variables = {} } = (inputs.environment ?? {}) as { variables?: Record<string, string> };
          return Object.entries(variables).reduce((sum, pair) => sum + bytes(pair.join("=")), 0);
        }),
      ),
  },
  {
    ...{ says: "bytes of a function's policy", limit: 20_480, of: "each", source: LAMBDA },
    used: (graph) =>
      largest(
        made(graph, FUNCTION).map(
          ({ state }) =>
            made(graph, PERMISSION).filter((permission) => permission.inputs.function === state.arn).length *
            STATEMENT_BYTES,
        ),
      ),
  },
  {
    ...{ says: "bytes of a role's inline policies", limit: 10_240, of: "each", source: IAM },
    used: (graph) =>
      largest(
        made(graph, ROLE).map(({ inputs }) =>
          ((inputs.inlinePolicies ?? []) as { policy: string }[]).reduce((sum, { policy }) => sum + bytes(policy), 0),
        ),
      ),
  },
  { ...{ says: "roles", limit: 1_000, of: "account", source: IAM }, used: count(ROLE) },
  {
    ...{ says: "tables", limit: 2_500, of: "account", source: DYNAMODB },
    used: count("dynamodb/table:Table"),
  },
  {
    ...{ says: "buckets", limit: 10_000, of: "account" },
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html",
    used: count("s3/bucket:Bucket"),
  },
  {
    ...{ says: "alarms", limit: 5_000, of: "account", source: CLOUDWATCH },
    used: count("cloudwatch/metricAlarm:MetricAlarm"),
  },
  {
    ...{ says: "schedules", limit: 1_000_000, of: "account" },
    source: "https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html",
    used: count("scheduler/schedule:Schedule"),
  },
  name("a function", FUNCTION, 64, "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"),
  name("a role", ROLE, 64, IAM),
  name("a rule", RULE, 64, "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"),
  name(
    "an event bus",
    "cloudwatch/eventBus:EventBus",
    256,
    "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
  ),
  name(
    "an archive",
    "cloudwatch/eventArchive:EventArchive",
    48,
    "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html",
  ),
  name(
    "a schedule",
    "scheduler/schedule:Schedule",
    64,
    "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",
  ),
  name(
    "a schema registry",
    "schemas/registry:Registry",
    64,
    "https://docs.aws.amazon.com/eventbridge/latest/schema-reference/v1-registries-name-registryname.html",
  ),
  name(
    "a queue",
    "sqs/queue:Queue",
    80,
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
  ),
  name("a table", "dynamodb/table:Table", 255, DYNAMODB),
  name(
    "a bucket",
    "s3/bucket:Bucket",
    63,
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    "bucket",
  ),
  name("a topic", "sns/topic:Topic", 256, "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html"),
  name("an alarm", "cloudwatch/metricAlarm:MetricAlarm", 255, CLOUDWATCH),
  name("a dashboard", "cloudwatch/dashboard:Dashboard", 255, CLOUDWATCH, "dashboardName"),
  name(
    "a log group",
    "cloudwatch/logGroup:LogGroup",
    512,
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
  ),
];

/** What so many stages use together. */
export const usedBy = ({ of, used }: Quota, graph: Graph, stages: number): number =>
  of === "account" ? used(graph) * stages : used(graph);
