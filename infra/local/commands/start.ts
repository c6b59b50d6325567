import { join } from "node:path";
import { print } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { findPrograms } from "../../command-line/programs.ts";
import { UsageError } from "../../command-line/run.ts";
import type { BusEvent } from "../../emulator/events/index.ts";
import { type Fault, faultsOf, scheduleOf, World } from "../../emulator/faults/index.ts";
import { loadSettings, PROJECT_ROOT } from "../project.ts";
import { openStack, type Stack } from "../stack.ts";
import { keepFilesPrivate } from "./private-files.ts";

const DEFAULT_PORT = 4566;

const HELP = `npx video-split start [options]

Runs the local stack until Ctrl-C. Its state is in .local/ and is used again at the next start.

  --port N       the port of S3, DynamoDB and EventBridge (default: ${DEFAULT_PORT})
  --state DIR    keep the state there instead of .local/
  --faults SEED  inject faults into requests and deliveries, to test how your consumer handles them. SEED chooses the
                 kinds; each fault is printed. Your uploads are never changed
  --verbose      show the functions' logs

Examples:
  npx video-split start --port 4567
  npx video-split start --faults 1

Exit code: 0 after Ctrl-C, 1 when the stack can't start or the disk is full.
`;

const OPTIONS = {
  port: { type: "string", default: String(DEFAULT_PORT) },
  state: { type: "string", default: join(PROJECT_ROOT, ".local") },
  faults: { type: "string" },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

function parseArguments(args: string[]) {
  const { values } = parseCommandLine("start", { args, options: OPTIONS });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`--port is "${values.port}"; it must be a number from 0 to 65535`);
  const seed = values.faults === undefined ? undefined : Number(values.faults);
  if (seed !== undefined && (!Number.isSafeInteger(seed) || seed < 0))
    throw new UsageError(`--faults is "${values.faults}"; it must be a whole number from 0`);
  return { ...values, port, seed };
}

/** The stack is one run until it stops. */
const RUN = 0;

/**
 * Faults that would end the stack, block a function for 15 minutes, or change the user's uploads.
 */
const EXCLUDED: readonly Fault[] = [
  "stack killed",
  "function frozen until its timeout",
  "S3 object overwritten",
  "S3 object deleted",
];

function faultsFor(seed: number): ReturnType<typeof faultsOf> {
  const schedule = scheduleOf(seed, RUN);
  const kinds = [...schedule.kinds].filter((kind) => !EXCLUDED.includes(kind));
  print(`Faults of seed ${seed}: ${kinds.join(", ") || "none, try another seed"}`, "");
  return faultsOf(
    new World({
      scheduleFor: () => schedule,
      runIn: () => RUN,
      mayHappen: (_run, fault) => !EXCLUDED.includes(fault),
      report: (_run, fault) => print(`fault: ${fault}`),
      onFrozen: () => {},
      killStack: () => {},
      replacement: () => Promise.reject(new Error("Uploads aren't overwritten here")),
    }),
  );
}

/** One line for an event: what, of which video, where. */
function describeEvent(bus: string, event: BusEvent): string {
  const detail = event.detail as {
    data?: Record<string, unknown>;
    object?: { key?: string };
    bucket?: { name?: string };
  };
  const { key, VideoId, segment_index: index, rejection } = detail.data ?? {};
  const what = detail.object === undefined ? key : `s3://${detail.bucket?.name}/${detail.object.key}`;
  const why = rejection === undefined ? "" : ` ${JSON.stringify(rejection)}`;
  return (
    [event.time.slice(11, 19), bus, event["detail-type"], VideoId, index === undefined ? undefined : `#${index}`, what]
      .filter((part) => part !== undefined)
      .join("  ") + why
  );
}

function greeting({ endpoint, names, region, topology, uploadPrefix }: Stack): string {
  const { uploads, segments } = topology.buckets;
  return `The stack is running: S3, DynamoDB and EventBridge at ${endpoint}
  buckets ${uploads.name}, ${segments.name}; table ${names.videos}; bus ${names.bus}

Upload a video (with any credentials):
  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=${region} aws --endpoint-url ${endpoint} s3 cp VIDEO.mp4 s3://${uploads.name}/${uploadPrefix}

Events (Ctrl-C stops):`;
}

/** Runs `npx video-split start`. Returns the exit code. */
export async function main(argv: string[], stopping: AbortSignal): Promise<number> {
  const args = parseArguments(argv);
  if (args.help) {
    process.stdout.write(HELP);
    return 0;
  }
  await findPrograms(process.env);
  keepFilesPrivate();
  const { promise: stopped, resolve: stop, reject: fail } = Promise.withResolvers<void>();
  stopped.catch(() => {});
  stopping.addEventListener("abort", () => stop(), { once: true });
  const stack = await openStack({
    settings: await loadSettings("local"),
    directory: args.state,
    port: args.port,
    root: PROJECT_ROOT,
    watch: true,
    ...(args.seed !== undefined && faultsFor(args.seed)),
    onEvent: (bus, event) => print(describeEvent(bus, event)),
    onLog: (name, text) => (args.verbose ? print(`${name}: ${text.replaceAll("\t", "  ")}`) : undefined),
    onDiskFull: fail,
    onDeadLetter: (queue, deadLetter) =>
      print(`dead letter in ${queue} after ${deadLetter.attempts} attempts: ${deadLetter.errorMessage}`),
  });
  print(...greeting(stack).split("\n"));
  if (stopping.aborted) stop();
  try {
    await stopped;
  } finally {
    await stack.close();
  }
  return 0;
}
