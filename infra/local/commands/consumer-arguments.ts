import { existsSync } from "node:fs";
import { basename, dirname, extname, relative, resolve } from "node:path";
import { type EventType, eventTypes, isEventType } from "#events-schema";
import { UsageError } from "../../command-line/run.ts";
import type { Consumer } from "../consumers.ts";

export const CONSUMER_OPTIONS = {
  consume: { type: "string", multiple: true },
  forward: { type: "string", multiple: true },
} as const;

/** What a handler's file may be. esbuild bundles it. */
const EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];

const FORWARD_HANDLER = "infra/local/forward.handler";

type Argument = { events: Consumer["events"]; to: string };

/** `EVENT[,EVENT]=TO`. */
function readArgument(option: string, argument: string, anyEvent: Consumer["events"] | undefined): Argument {
  const [, names, to] = /^([A-Za-z,]+)=(.+)$/s.exec(argument) ?? [];
  if (names === undefined || to === undefined) {
    if (anyEvent !== undefined) return { events: anyEvent, to: argument };
    throw new UsageError(`${option} is "${argument}"; it must be EVENT=FILE, such as SegmentCreated=src/handler.ts`);
  }
  const events = names.split(",");
  const unknown = events.find((name) => !isEventType(name));
  if (unknown !== undefined)
    throw new UsageError(`${option} names "${unknown}", which is no event. There are ${eventTypes.join(", ")}`);
  return { events: events as [EventType, ...EventType[]], to };
}

function consumerOf(argument: string, folder: string): Omit<Consumer, "name"> & { file: string } {
  const { events, to } = readArgument("--consume", argument, undefined);
  const [, path = "", exportName = "handler"] = /^(.*?)(?:#(\w+))?$/s.exec(to) ?? [];
  const file = resolve(folder, path);
  if (!EXTENSIONS.includes(extname(file)))
    throw new UsageError(
      `--consume names "${path}"; it must be a file of TypeScript or JavaScript (${EXTENSIONS.join(", ")}). ` +
        "For another language: --forward URL",
    );
  if (!existsSync(file)) throw new UsageError(`--consume names "${path}", which isn't there: ${file}`);
  const handler = `${file.slice(0, -extname(file).length)}.${exportName}`;
  return { events, handler, environment: {}, file };
}

function forwardOf(argument: string): Omit<Consumer, "name"> {
  const { events, to } = readArgument("--forward", argument, eventTypes as [EventType, ...EventType[]]);
  if (!URL.canParse(to) || !["http:", "https:"].includes(new URL(to).protocol))
    throw new UsageError(`--forward is "${to}"; it must be an address such as http://127.0.0.1:3000/events`);
  return { events, handler: FORWARD_HANDLER, environment: { FORWARD_URL: to } };
}

/** A function's name: a-z, A-Z, digits, `-` and `_`, at most 64. */
const named = (...words: string[]): string =>
  words
    .join("-")
    .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
    .slice(0, 48);

/**
 * The last folder that says something, and the file: `my-app-handler` of `my-app/src/handler.ts`.
 */
function nameOfFile(file: string): string {
  const folders = dirname(file).split("/").filter(Boolean);
  const folder = folders.findLast((name) => !["src", "functions", "lib"].includes(name)) ?? "app";
  return named("consume", folder, basename(file, extname(file)));
}

/**
 * Consumers by the options of `start`. `folder`: what paths are relative to. Throws `UsageError`.
 */
export function consumersOf(
  { consume = [], forward = [] }: { consume?: string[] | undefined; forward?: string[] | undefined },
  folder: string,
): Consumer[] {
  const all = [
    ...consume.map((argument) => {
      const { file, ...consumer } = consumerOf(argument, folder);
      return { name: nameOfFile(file), ...consumer };
    }),
    ...forward.map((argument) => {
      const consumer = forwardOf(argument);
      return { name: named("forward", new URL(consumer.environment.FORWARD_URL ?? "").host), ...consumer };
    }),
  ];
  const taken = new Set<string>();
  return all.map(({ name, ...consumer }) => {
    let free = name;
    for (let time = 2; taken.has(free); time += 1) free = `${name}-${time}`;
    taken.add(free);
    return { name: free, ...consumer };
  });
}

/** A line for each: what it gets, and where that goes. */
export const describeConsumers = (consumers: readonly Consumer[], folder: string): string[] =>
  consumers.map(({ name, events, handler, environment }) => {
    const to = environment.FORWARD_URL ?? relative(folder, handler);
    return `  ${events.length === eventTypes.length ? "all events" : events.join(", ")} to ${to} (${name})`;
  });
