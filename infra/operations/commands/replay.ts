import { print, writeLines } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";
import { openDeployment, WHERE_OPTIONS } from "../deployment.ts";
import { replayLog } from "../replay.ts";

const HELP = `npx video-split replay [options]

Rebuilds the documents from the event log: replays it to the projector; other consumers don't receive replayed events.
Documents that exist stay: an event that they were made from changes nothing. Delete the table's items first to rebuild all.
The projector writes to its own table: for a new one, name it in dynamodb.table_id, deploy (or start the stack) again, then
replay.

  --from ISO      from this time on (default: the first event)
  --to ISO|now    up to this time. Default: now; of a deployed stage ten minutes ago, since AWS takes up to that long to archive
                  an event. A later time is waited for
  --local         of the stack that "npx video-split start" runs (default)
  --port N        its port (default: 4566)
  --stage NAME    of a deployed stage, with the AWS credentials of the environment

Examples:
  npx video-split replay
  npx video-split replay --stage production --from 2026-11-24T12:00:00Z
`;

const OPTIONS = {
  from: { type: "string" },
  to: { type: "string" },
  ...WHERE_OPTIONS,
  help: { type: "boolean", short: "h", default: false },
} as const;

/** The day that EventBridge was launched: no event is older. */
const BEGINNING = new Date("2019-07-11T00:00:00Z");

function endOf(text: string | undefined, archivingMs: number): Date {
  if (text === "now") return new Date();
  return time("to", text, new Date(Date.now() - archivingMs));
}

function time(option: string, text: string | undefined, otherwise: Date): Date {
  if (text === undefined) return otherwise;
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new UsageError(
      `--${option} is "${text}"; it must be a time such as 2026-11-24T12:00:00Z${option === "to" ? ", or now" : ""}`,
    );
  return date;
}

const parse = (args: string[]) => parseCommandLine("replay", { args, options: OPTIONS }).values;

/** Runs `npx video-split replay`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const values = parse(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const from = time("from", values.from, BEGINNING);
  endOf(values.to, 0);
  const deployment = await openDeployment(values);
  const to = endOf(values.to, deployment.archivingMs);
  let shown = "";
  const outcome = await replayLog(
    deployment,
    { from, to },
    ({ state, until }) => {
      const line = `${state.toLowerCase()}${until === undefined ? "" : `, events up to ${until.toISOString()}`}`;
      if (line !== shown) writeLines(process.stderr, line);
      shown = line;
    },
    stopping,
  );
  const { before, after, added, changed, gone, seconds } = outcome;
  print(
    `table ${deployment.table}: ${after} documents (before: ${before}): ${added} added, ${changed} changed, ${gone} gone, ` +
      `${after - added - changed} as they were; ${seconds.toFixed(1)} s`,
  );
  return 0;
}
