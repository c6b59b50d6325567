import { join } from "node:path";
import { describeEvent } from "../../command-line/event-line.ts";
import { print } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { findPrograms } from "../../command-line/programs.ts";
import { UsageError } from "../../command-line/run.ts";
import { openConsole } from "../../console/local/open-console.ts";
import { openFaultSwitches } from "../fault-switches.ts";
import { loadSettings, PROJECT_ROOT } from "../project.ts";
import { openStack, type Stack } from "../stack.ts";
import { CONSUMER_OPTIONS, consumersOf, describeConsumers } from "./consumer-arguments.ts";
import { keepFilesPrivate } from "./private-files.ts";

const DEFAULT_PORT = 4566;

const HELP = `npx video-split start [options]

Runs the local stack until Ctrl-C. Its state is in .local/ and is used again at the next start.

  --port N       the port of all services and of the console (default: ${DEFAULT_PORT})
  --state DIR    keep the state there instead of .local/
  --consume EVENT=FILE
                 also run your own function, as Lambda would: FILE exports "handler" (or FILE#NAME), in TypeScript or
                 JavaScript. It is bundled, and again after each change. EVENT: one event, or several with commas.
                 May be repeated
  --forward [EVENT=]URL
                 also post events to URL as JSON, for a consumer in any language. Default: all of the service's events.
                 May be repeated
  --faults SEED  inject faults into requests and deliveries, to test how your consumer handles them. SEED chooses the
                 kinds; each fault is printed. Your uploads are never changed
  --verbose      show the functions' logs

Examples:
  npx video-split start --port 4567
  npx video-split start --consume SegmentCreated=../my-app/src/handler.ts
  npx video-split start --forward http://127.0.0.1:3000/events
  npx video-split start --faults 1

Exit code: 0 after Ctrl-C, 1 when the stack can't start or the disk is full.
`;

const OPTIONS = {
  port: { type: "string", default: String(DEFAULT_PORT) },
  state: { type: "string", default: join(PROJECT_ROOT, ".local") },
  faults: { type: "string" },
  ...CONSUMER_OPTIONS,
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
  return { ...values, port, seed, consumers: consumersOf(values, process.cwd()) };
}

function greeting(
  { endpoint, names, region, topology, uploadPrefix }: Stack,
  address: string,
  consumers: string[],
): string {
  const { uploads, segments } = topology.buckets;
  return `The stack is running: S3, DynamoDB and EventBridge at ${endpoint}
  buckets ${uploads.name}, ${segments.name}; table ${names.videos}; bus ${names.bus}
${consumers.map((line) => `${line}\n`).join("")}
Open the console in a browser, and drop a video there:
  ${address}

Or upload a video (with any credentials):
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
  const settings = await loadSettings("local");
  let onFault = (_fault: string): void => {};
  let onDeadLetter = (): void => {};
  const faults = openFaultSwitches((fault) => {
    print(`fault: ${fault}`);
    onFault(fault);
  }, args.seed);
  if (args.seed !== undefined)
    print(`Faults of seed ${args.seed}: ${faults.seeded.join(", ") || "none, try another seed"}`, "");
  const consuming = new Set(args.consumers.map(({ name }) => name));
  const stack = await openStack({
    settings,
    directory: args.state,
    port: args.port,
    root: PROJECT_ROOT,
    watch: true,
    consumers: args.consumers,
    intercept: faults.intercept,
    interceptDelivery: faults.interceptDelivery,
    onEvent: (bus, event) => print(describeEvent(bus, event)),
    onLog: (name, text) =>
      args.verbose || consuming.has(name) ? print(`${name}: ${text.replaceAll("\t", "  ")}`) : undefined,
    onDiskFull: fail,
    onDeadLetter: (queue, deadLetter) => {
      print(`dead letter in ${queue} after ${deadLetter.attempts} attempts: ${deadLetter.errorMessage}`);
      onDeadLetter();
    },
  });
  stack.bridge.onDeadLetter((arn, { rule, errorMessage }) => {
    if (arn === undefined) print(`lost: the rule ${rule} has no dead-letter queue: ${errorMessage}`);
  });
  try {
    const { address, backend } = await openConsole({ stack, settings, faults, directory: args.state });
    [onFault, onDeadLetter] = [backend.faultHappened, backend.deadLetterCame];
    print(...greeting(stack, address, describeConsumers(args.consumers, process.cwd())).split("\n"));
    if (stopping.aborted) stop();
    await stopped;
  } finally {
    await stack.close();
  }
  return 0;
}
