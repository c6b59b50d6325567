import { randomUUID } from "node:crypto";
import { SOURCE } from "#events-schema";
import { describeEvent } from "../../command-line/event-line.ts";
import { print, writeLines } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";
import type { BusEvent } from "../../emulator/events/index.ts";
import { openTailPlace, WHERE_OPTIONS } from "../deployment.ts";
import { tail } from "../tail.ts";

const HELP = `npx video-split tail [options]

Shows the events of the video bus as they come, until Ctrl-C: a line for each, or JSON. Events from before aren't shown.
It makes a rule and a queue of its own, and removes them when it ends. What a run that was killed has left is removed by a
later run, an hour after it.

  --pattern JSON  only events that match this EventBridge pattern (default: all of the service's)
  --json          print each event whole, as a line of JSON
  --local         of the stack that "npx video-split start" runs (default)
  --port N        its port (default: 4566)
  --stage NAME    of a deployed stage, with the AWS credentials of the environment

Examples:
  npx video-split tail
  npx video-split tail --stage production --pattern '{"detail-type":["VideoRejected"]}' --json

Exit code: 0 after Ctrl-C.
`;

const OPTIONS = {
  pattern: { type: "string", default: JSON.stringify({ source: [SOURCE] }) },
  json: { type: "boolean", default: false },
  ...WHERE_OPTIONS,
  help: { type: "boolean", short: "h", default: false },
} as const;

function assertJson(pattern: string): void {
  try {
    JSON.parse(pattern);
  } catch (cause) {
    throw new UsageError(
      `--pattern is ${pattern}, which isn't JSON. In a shell, put it in single quotes: --pattern '{"detail-type":["VideoSplit"]}'`,
      { cause },
    );
  }
}

/** Runs `npx video-split tail`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values } = parseCommandLine("tail", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  assertJson(values.pattern);
  const place = await openTailPlace(values);
  const say = (line: string) => writeLines(process.stderr, line);
  await tail(
    place,
    {
      pattern: values.pattern,
      run: randomUUID().slice(0, 8),
      now: () => new Date(),
      onReady: () => say(`Events of ${place.bus} (Ctrl-C stops)`),
      onRemoved: (name) => say(`Removed ${name}, which a run that was killed has left`),
      onEvent: (event) => print(values.json ? JSON.stringify(event) : describeEvent(place.bus, event as BusEvent)),
    },
    stopping,
  );
  return 0;
}
