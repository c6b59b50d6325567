import { print } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";
import { openDeadLetters, WHERE_OPTIONS } from "../deployment.ts";
import { type DeadLetterAccess, eachDeadLetter, type ReceivedDeadLetter, redriveDeadLetters } from "../redrive.ts";

const HELP = `npx video-split dead-letters list | show ID | redrive ID... | redrive --all [options]

Lists, explains and redrives dead letters: events that EventBridge couldn't deliver, or whose function failed at each attempt.

  list            prints one line for each
  show ID         prints all of one as JSON
  redrive         invokes the functions with the events again, and deletes a dead letter when its event was handled. You can
                  repeat and interrupt it: nothing is done twice, and no other consumer receives the event

  ID              a dead letter's ID, or its beginning
  --all           every dead letter
  --local         of the stack that "npx video-split start" runs (default)
  --port N        its port (default: 4566)
  --stage NAME    of a deployed stage, with the AWS credentials of the environment

Examples:
  npx video-split dead-letters list
  npx video-split dead-letters redrive --all --stage production

Exit code: 0, or 2 where dead letters are left after redrive.
`;

const OPTIONS = {
  all: { type: "boolean", default: false },
  ...WHERE_OPTIONS,
  help: { type: "boolean", short: "h", default: false },
} as const;

const EXIT = { done: 0, left: 2 } as const;

/** An event's type, and the key of its upload or segment. */
function subjectOf(event: unknown): string {
  const { "detail-type": type, detail } = (event ?? {}) as {
    "detail-type"?: string;
    detail?: { object?: { key?: string }; data?: { key?: string } };
  };
  return [type ?? "not an event", detail?.object?.key ?? detail?.data?.key].filter(Boolean).join(" ");
}

function linesOf({ id, queue, sentAt, content, body }: ReceivedDeadLetter): string[] {
  const head = `${id}  ${sentAt.toISOString()}`;
  if (content === undefined) return [`${head}  in ${queue}, not readable: ${body.slice(0, 80)}`];
  const { level, source, attempts, errorCode, errorMessage, event } = content;
  const failed = level === "delivery" ? `rule ${source}` : `function ${source}`;
  return [`${head}  ${failed}, ${attempts} attempts  ${subjectOf(event)}`, `    ${errorCode}: ${errorMessage}`];
}

/** Whether a dead letter has one of these IDs. */
const isAmong =
  (ids: readonly string[]) =>
  ({ id }: ReceivedDeadLetter): boolean =>
    ids.some((begun) => id.startsWith(begun));

async function list(access: DeadLetterAccess, signal: AbortSignal): Promise<number> {
  let count = 0;
  await eachDeadLetter(
    access,
    (deadLetter) => {
      count += 1;
      print(...linesOf(deadLetter));
    },
    signal,
  );
  print(
    count === 0
      ? "No dead letters"
      : `${count} dead letters. To redrive them: npx video-split dead-letters redrive --all`,
  );
  return EXIT.done;
}

async function show(access: DeadLetterAccess, id: string, signal: AbortSignal): Promise<number> {
  const found: ReceivedDeadLetter[] = [];
  await eachDeadLetter(
    access,
    (deadLetter) => (isAmong([id])(deadLetter) ? void found.push(deadLetter) : undefined),
    signal,
  );
  if (found.length === 0) throw new UsageError(`No dead letter has the ID ${id}`);
  for (const { content, body, sentAt, ...rest } of found)
    print(
      ...JSON.stringify({ ...rest, sentAt: sentAt.toISOString(), ...(content ?? { body }) }, undefined, 2).split("\n"),
    );
  return EXIT.done;
}

/** `ids` are empty for all dead letters. */
async function redrive(access: DeadLetterAccess, ids: readonly string[], signal: AbortSignal): Promise<number> {
  const counts = { handled: 0, kept: 0 };
  await redriveDeadLetters(
    access,
    ids.length === 0 ? () => true : isAmong(ids),
    (deadLetter, redriven) => {
      counts[redriven.outcome] += 1;
      const subject = deadLetter.content === undefined ? deadLetter.queue : subjectOf(deadLetter.content.event);
      const ending = redriven.outcome === "handled" ? redriven.result : `kept: ${redriven.why}`;
      print(`${deadLetter.id}  ${subject}: ${ending}`);
    },
    signal,
  );
  if (ids.length > 0 && counts.handled + counts.kept === 0)
    throw new UsageError(`No dead letter has the ID ${ids.join(", ")}`);
  print(`${counts.handled} redriven, ${counts.kept} kept`);
  return counts.kept === 0 ? EXIT.done : EXIT.left;
}

type Action = (access: DeadLetterAccess, signal: AbortSignal) => Promise<number>;

/** The action of the arguments. Throws `UsageError`. */
function actionOf(positionals: readonly string[], all: boolean): Action {
  const [what, ...ids] = positionals;
  const [id, ...more] = ids;
  switch (what) {
    case "list":
      if (ids.length > 0) break;
      return list;
    case "show":
      if (id === undefined || more.length > 0)
        throw new UsageError("Specify the ID of one dead letter, as list prints it");
      return (access, signal) => show(access, id, signal);
    case "redrive":
      if (all === ids.length > 0)
        throw new UsageError("Specify the IDs of the dead letters to redrive, as list prints them, or --all");
      return (access, signal) => redrive(access, ids, signal);
  }
  throw new UsageError(`Specify list, show ID or redrive; got ${positionals.join(" ") || "nothing"}`);
}

/** Runs `npx video-split dead-letters`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine("dead-letters", {
    args,
    options: OPTIONS,
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.done;
  }
  const act = actionOf(positionals, values.all);
  return act(await openDeadLetters(values), stopping);
}
