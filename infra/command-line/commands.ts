/**
 * What a command's module exports. Returns the exit code; throws `UsageError` for a wrong argument.
 */
export type CommandModule = { main(args: string[], stopping: AbortSignal): Promise<number> };

export type Command = {
  /** One line. */
  summary: string;
  /** Its arguments in an example. */
  example: string;
  /**
   * Imports the command's module. Each command is loaded by itself, so that it doesn't wait for the
   * imports of others.
   */
  load(): Promise<CommandModule>;
};

/** Commands by name, in groups with a title. */
export const COMMAND_GROUPS: Readonly<Record<string, Readonly<Record<string, Command>>>> = {
  "Use it": {
    split: {
      summary: "splits a file on a temporary local stack",
      example: "beach.mp4 --seconds 30 --out segments",
      load: () => import("../local/commands/split.ts"),
    },
    start: {
      summary: "runs the local stack until Ctrl-C",
      example: "--port 4567",
      load: () => import("../local/commands/start.ts"),
    },
  },
  "Operate a stage, or the local stack": {
    console: {
      summary: "opens a page on this machine that looks into a stage",
      example: "--stage production",
      load: () => import("../console/commands/console.ts"),
    },
    request: {
      summary: "requests splits of videos that are in S3 already",
      example: "s3://archive/tapes/ --dry-run --stage production",
      load: () => import("../operations/commands/request.ts"),
    },
    "dead-letters": {
      summary: "lists, explains and redrives dead letters",
      example: "redrive --all --stage production",
      load: () => import("../operations/commands/dead-letters.ts"),
    },
    replay: {
      summary: "rebuilds the documents from the event log",
      example: "--stage production",
      load: () => import("../operations/commands/replay.ts"),
    },
    tail: {
      summary: "shows the events of a bus as they come",
      example: "--stage production",
      load: () => import("../operations/commands/tail.ts"),
    },
    cost: {
      summary: "estimates what splitting a video costs on AWS",
      example: "--hours 2 --mbps 20",
      load: () => import("../operations/commands/cost.ts"),
    },
    quotas: {
      summary: "prints which AWS quotas a stage uses, and how much",
      example: "",
      load: () => import("../../test/infra/print-quotas.ts"),
    },
    permissions: {
      summary: "prints what each function may do on AWS",
      example: "",
      load: () => import("../../test/infra/print-permissions.ts"),
    },
  },
  "Check what is shipped": {
    package: {
      summary: "builds the functions' packages without deploying",
      example: "--architecture arm64 --out packages",
      load: () => import("../packaging/commands/package.ts"),
    },
    audit: {
      summary: "prints known advisories of ffmpeg and the npm packages",
      example: "--all",
      load: () => import("../packaging/commands/audit.ts"),
    },
    bundle: {
      summary: "prints size and import time of the functions' bundles",
      example: "",
      load: () => import("../packaging/commands/bundle.ts"),
    },
  },
  Develop: {
    chaos: {
      summary: "splits videos on a stack that injects faults",
      example: "--runs 1000",
      load: () => import("../../test/chaos/run.ts"),
    },
    independent: {
      summary: "checks segments against their source by decoding both",
      example: "beach.mp4 --cut exact",
      load: () => import("../../test/independent/run.ts"),
    },
    boundaries: {
      summary: "cuts videos at random frames, and checks each boundary",
      example: "beach.mp4 --count 100 --decoder /opt/ffmpeg-7/ffmpeg",
      load: () => import("../../test/independent/boundaries/run.ts"),
    },
    mutants: {
      summary: "removes guards one by one, and runs the test that must fail",
      example: "--only read-back",
      load: () => import("../../test/mutants/run.ts"),
    },
    hostile: {
      summary: "measures splits of files that need too much",
      example: "suspect.mp4",
      load: () => import("../../test/hostile/run.ts"),
    },
    bench: {
      summary: "measures cuts, reads, ranges, bursts, replays, costs and more",
      example: "cut beach.mp4 --seconds 10,30",
      load: () => import("../../test/bench/run.ts"),
    },
  },
};

export const COMMANDS: ReadonlyMap<string, Command> = new Map(Object.values(COMMAND_GROUPS).flatMap(Object.entries));
