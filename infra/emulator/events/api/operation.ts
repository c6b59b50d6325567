import type { z } from "zod";
import type { Arns } from "../arns.ts";
import type { Buses } from "../buses.ts";
import { notFound } from "../exceptions.ts";
import { compilePattern, InvalidEventPatternException } from "../pattern/index.ts";
import type { ArchiveRecord, BusRecord, Registry, ReplayRecord, RuleRecord } from "../registry.ts";
import type { Replays } from "../replaying.ts";
import type { EventBridgeOptions } from "../types.ts";
import { parseInput } from "./shapes.ts";

/** What operations work on. */
export type Api = { options: EventBridgeOptions; arns: Arns; registry: Registry; buses: Buses; replays: Replays };

/** Returns the JSON of the output for a request's input. */
export type Operation = (input: unknown, api: Api) => object;

/** An operation whose input is read by a schema first. */
export const operation =
  <Schema extends z.ZodType>(schema: Schema, run: (input: z.output<Schema>, api: Api) => object): Operation =>
  (input, api) =>
    run(parseInput(schema, input), api);

/** Only the fields that have a value, as in AWS's responses. */
export const present = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A timestamp in AWS JSON. */
export const epochSeconds = (milliseconds: number): number => milliseconds / 1_000;

/** The bus that a request names or leaves out. Throws `ResourceNotFoundException`. */
export function busOf({ arns, registry }: Api, nameOrArn: string | undefined): BusRecord {
  const bus = registry.buses.get(arns.busOf(nameOrArn) ?? "");
  if (bus === undefined) throw notFound(`Event bus ${nameOrArn}`);
  return bus;
}

/** A rule of the bus that a request names or leaves out. Throws `ResourceNotFoundException`. */
export function ruleOf(api: Api, nameOrArn: string | undefined, name: string): RuleRecord {
  const bus = busOf(api, nameOrArn).name;
  const rule = api.registry.rule(bus, name);
  if (rule === undefined) throw notFound(`Rule ${name}`, ` on EventBus ${bus}`);
  return rule;
}

/** Throws `ResourceNotFoundException`. */
export function archiveOf({ registry }: Api, name: string): ArchiveRecord {
  const archive = registry.archives.get(name);
  if (archive === undefined) throw notFound(`Archive ${name}`);
  return archive;
}

/** Throws `ResourceNotFoundException`. */
export function replayOf({ registry }: Api, name: string): ReplayRecord {
  const replay = registry.replays.get(name);
  if (replay === undefined) throw notFound(`Replay ${name}`);
  return replay;
}

/** Compiles a pattern's JSON text. Throws `InvalidEventPatternException`. */
export function patternFrom(text: string): (event: unknown) => boolean {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (error) {
    throw new InvalidEventPatternException(error instanceof SyntaxError ? error.message : String(error));
  }
  return compilePattern(pattern);
}
