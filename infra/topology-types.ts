/** What a stage consists of, as plain data: the types of infra/topology.ts. */

/** `Name` is what a physical name is: a string locally, a Pulumi output on AWS. */
export type Names<Name> = {
  uploads: Name;
  segments: Name;
  bus: Name;
  videos: Name;
  ledger: Name;
  archive: string;
  /** CloudWatch's namespace of the functions' metrics. */
  metrics: string;
};

export type BucketId = "uploads" | "segments";
export type BusId = "default" | "video";
export type TableId = "videos" | "ledger";
export type FunctionId = "split" | "projector" | "reconciler" | "poster";
export type QueueId = `${FunctionId}RuleDeadLetters` | `${FunctionId}Failures`;

/** An EventBridge event pattern. Leaves are arrays of values and matchers. */
export type EventPattern = { readonly [field: string]: EventPattern | readonly unknown[] };

export type Retry = {
  /** Attempts after the first one. */
  attempts: number;
  /** Seconds after which no further attempt is made. */
  maxAgeSeconds: number;
};

export type Rule = {
  name: string;
  description: string;
  bus: BusId;
  pattern: EventPattern;
  target: FunctionId;
  /** Whether it delivers. What it would need is there also where a setting turns it off. */
  isEnabled: boolean;
  /** Of EventBridge's delivery to the target, not of the function's own failures. */
  retry: Retry;
  deadLetters: QueueId;
};

/** A function that EventBridge Scheduler invokes at an interval. */
export type Schedule = {
  name: string;
  description: string;
  everyMinutes: number;
  target: FunctionId;
  /** Of the Scheduler's delivery to the target, not of the function's own failures. */
  retry: Retry;
  deadLetters: QueueId;
};

export type FunctionSpec<Name> = {
  /** File and export, from the project's root. */
  handler: string;
  description: string;
  timeoutSeconds: number;
  memoryMB: number;
  /** Size of /tmp. */
  storageMB: number;
  architecture: "arm64" | "x86_64";
  /** Programs shipped beside the bundle, in `bin`, for `architecture`. See infra/packaging. */
  programs: readonly ("ffmpeg" | "ffprobe")[];
  /** Reserved concurrent executions; undefined: none, and the account's limit holds. */
  concurrency: number | undefined;
  /** Of an asynchronous invocation whose function failed. AWS: at most 2, after 1 and 2 minutes. */
  retry: Retry;
  /** Where an event goes after the last retry. */
  failures: QueueId;
  /** Dead letters that it may delete; undefined: none. infra/aws/queues.ts gives it their URL. */
  clears?: QueueId;
  environment: Record<string, Name | string>;
  logRetentionDays: number;
};

export type BucketSpec = { eventBridge: boolean };

export type TableSpec = {
  key: { name: string; type: "number" | "string" };
  indexes: Record<
    string,
    { hash: { name: string; type: "number" | "string" }; range: { name: string; type: "number" | "string" } }
  >;
  /** Attribute with the time to live in epoch seconds. */
  ttl?: string;
};

export type Topology<Name> = {
  buckets: Record<BucketId, BucketSpec & { name: Name }>;
  buses: Record<BusId, { name: Name | "default" }>;
  archive: { name: string; bus: BusId; retentionDays: number };
  tables: Record<TableId, TableSpec & { name: Name }>;
  functions: Record<FunctionId, FunctionSpec<Name>>;
  queues: Record<QueueId, { retentionDays: number }>;
  rules: Rule[];
  schedules: Schedule[];
};
