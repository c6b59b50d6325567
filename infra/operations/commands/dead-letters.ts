import { parseCommandLine } from "../../command-line/parse.ts";
import { run, UsageError } from "../../command-line/run.ts";
import { type DeadLetterOffice, eachDeadLetter, type HeldLetter, redriveDeadLetters } from "../dead-letters.ts";
import { openDeadLetterOffice, WHERE_OPTIONS } from "../deployment.ts";

const HELP = `npm run dead-letters -- list | show ID | redrive ID... | redrive --all [options]

Events that were given up: by EventBridge, which couldn't deliver them, and by functions that failed at each attempt.

  list            one line for each
  show ID         all there is to one
  redrive         hands events to their functions again, and throws a letter away when its event was handled. Safe to
                  repeat and to interrupt: what is done already isn't done twice, and nobody else hears of it

  ID              or its beginning
  --all           every letter
  --local         of the stack that "npm start" keeps up (default)
  --port N        its port (default: 4566)
  --stage NAME    of a deployed stage, with the AWS credentials of the environment

Exit code: 0, or 2 where letters are left after redrive.
`;

const OPTIONS = {
  all: { type: "boolean", default: false },
  ...WHERE_OPTIONS,
  help: { type: "boolean", short: "h", default: false },
} as const;

const EXIT = { done: 0, left: 2 } as const;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What an event is about: an upload's key, or that of a segment. */
function subjectOf(event: unknown): string {
  const { "detail-type": type, detail } = (event ?? {}) as {
    "detail-type"?: string;
    detail?: { object?: { key?: string }; data?: { key?: string } };
  };
  return [type ?? "something that is no event", detail?.object?.key ?? detail?.data?.key].filter(Boolean).join(" ");
}

function lineOf({ id, queue, sentAt, letter, body }: HeldLetter): string {
  const head = `${id}  ${sentAt.toISOString()}`;
  if (letter === undefined) return `${head}  in ${queue}, not readable: ${body.slice(0, 80)}`;
  const { level, source, attempts, errorCode, errorMessage, event } = letter;
  const who = level === "delivery" ? `rule ${source}` : `function ${source}`;
  return `${head}  ${who}, ${attempts} attempts  ${subjectOf(event)}\n    ${errorCode}: ${errorMessage}`;
}

/** Whether a letter is one of those named. */
const isAmong =
  (ids: readonly string[]) =>
  ({ id }: HeldLetter): boolean =>
    ids.some((begun) => id.startsWith(begun));

async function list(office: DeadLetterOffice, signal: AbortSignal): Promise<number> {
  let count = 0;
  await eachDeadLetter(
    office,
    (letter) => {
      count += 1;
      print(lineOf(letter));
    },
    signal,
  );
  print(
    count === 0 ? "No dead letters" : `${count} dead letters. Bring them home: npm run dead-letters -- redrive --all`,
  );
  return EXIT.done;
}

async function show(office: DeadLetterOffice, ids: string[], signal: AbortSignal): Promise<number> {
  const [id, ...more] = ids;
  if (id === undefined || more.length > 0) throw new UsageError("Say one letter to show, by the id that list prints");
  const found: HeldLetter[] = [];
  await eachDeadLetter(office, (letter) => (isAmong([id])(letter) ? void found.push(letter) : undefined), signal);
  if (found.length === 0) throw new UsageError(`There is no dead letter ${id}`);
  for (const { letter, body, sentAt, ...rest } of found)
    print(JSON.stringify({ ...rest, sentAt: sentAt.toISOString(), ...(letter ?? { body }) }, undefined, 2));
  return EXIT.done;
}

async function redrive(office: DeadLetterOffice, ids: string[], all: boolean, signal: AbortSignal): Promise<number> {
  if (all === ids.length > 0)
    throw new UsageError("Say which letters to redrive, by the ids that list prints, or --all");
  const counts = { handled: 0, kept: 0 };
  await redriveDeadLetters(
    office,
    all ? () => true : isAmong(ids),
    (letter, redriven) => {
      counts[redriven.outcome] += 1;
      const subject = letter.letter === undefined ? letter.queue : subjectOf(letter.letter.event);
      print(
        `${letter.id}  ${subject}: ${redriven.outcome === "handled" ? redriven.result : `kept, since ${redriven.why}`}`,
      );
    },
    signal,
  );
  if (!all && counts.handled + counts.kept === 0) throw new UsageError(`There is no dead letter ${ids.join(", ")}`);
  print(`${counts.handled} redriven, ${counts.kept} kept`);
  return counts.kept === 0 ? EXIT.done : EXIT.left;
}

async function main(stopping: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine("npm run dead-letters", {
    args: process.argv.slice(2),
    options: OPTIONS,
    allowPositionals: true,
  });
  const [what, ...ids] = positionals;
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.done;
  }
  const office = await openDeadLetterOffice(values);
  if (what === "list" && ids.length === 0) return list(office, stopping);
  if (what === "show") return show(office, ids, stopping);
  if (what === "redrive") return redrive(office, ids, values.all, stopping);
  throw new UsageError(`Say list, show ID or redrive; got ${positionals.join(" ") || "nothing"}`);
}

await run(main);
