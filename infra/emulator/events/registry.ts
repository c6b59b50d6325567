import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { orDamaged } from "../damage.ts";
import { refusedByDisk } from "../disk.ts";
import { compilePattern } from "./pattern/index.ts";
import { specOf, type Target, targetOf } from "./target.ts";
import type { EventBridgeOptions, TargetSpec } from "./types.ts";

export type Tags = Record<string, string>;

export type BusRecord = { name: string; description?: string; createdAt: number; tags: Tags; managed: boolean };

export type RuleRecord = {
  name: string;
  bus: string;
  /** JSON text, as the client sent it. */
  pattern: string;
  state: "ENABLED" | "DISABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
  description?: string;
  roleArn?: string;
  tags: Tags;
  targets: { target: Target; managed: boolean }[];
  managed: boolean;
};

export type ArchiveRecord = {
  name: string;
  bus: string;
  pattern?: string;
  description?: string;
  retentionDays: number;
  createdAt: number;
  /** The byte of the bus's log at which the archive starts. */
  from: number;
  managed: boolean;
};

export type ReplayRecord = {
  name: string;
  description?: string;
  /** Copied at the start, because the archive may be changed or deleted. */
  archive: Pick<ArchiveRecord, "name" | "bus" | "pattern" | "retentionDays">;
  /** Epoch seconds: events of [start, end). */
  start: number;
  end: number;
  filterArns: string[];
  state: "STARTING" | "RUNNING" | "CANCELLING" | "COMPLETED" | "CANCELLED" | "FAILED";
  stateReason?: string;
  startedAt: number;
  endedAt?: number;
  lastEventTime?: number;
  /** The bytes of the bus's log to start and to stop at. */
  from: number;
  until: number;
};

type State = { buses: BusRecord[]; rules: RuleRecord[]; archives: ArchiveRecord[]; replays: ReplayRecord[] };

const Named = z.looseObject({ name: z.string(), managed: z.boolean() });
const Tagged = Named.extend({ tags: z.record(z.string(), z.string()) });
const Count = z.int().min(0);

/** The parts of a record that the registry uses. */
const StateFile = z.looseObject({
  buses: z.array(Tagged.extend({ createdAt: z.number() })),
  rules: z.array(
    Tagged.extend({
      bus: z.string(),
      pattern: z.string(),
      state: z.string(),
      targets: z.array(
        z.looseObject({ target: z.looseObject({ Id: z.string(), Arn: z.string() }), managed: z.boolean() }),
      ),
    }),
  ),
  archives: z.array(Named.extend({ bus: z.string(), retentionDays: z.number(), createdAt: z.number(), from: Count })),
  replays: z.array(
    z.looseObject({
      name: z.string(),
      archive: z.looseObject({ name: z.string(), bus: z.string() }),
      state: z.string(),
      filterArns: z.array(z.string()),
      from: Count,
      until: Count,
    }),
  ),
});

/** Reads the file. Throws `DamagedStateError`. */
function readState(path: string): State {
  const text = readFileSync(path, "utf8");
  return orDamaged(path, "its content", () => {
    const state: State = JSON.parse(text);
    for (const { pattern } of StateFile.parse(state).rules) compilePattern(JSON.parse(pattern));
    return state;
  });
}

const NOTHING: State = { buses: [], rules: [], archives: [], replays: [] };

/** Records by name, as listings have them. */
export const byName = <T extends { name: string }>(records: Iterable<T>): T[] =>
  [...records].sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Buses, rules with their targets, archives and replays, kept in one file that is replaced as a
 * whole.
 */
export class Registry {
  readonly buses = new Map<string, BusRecord>();
  readonly archives = new Map<string, ArchiveRecord>();
  readonly replays = new Map<string, ReplayRecord>();
  readonly #rules = new Map<string, Map<string, RuleRecord>>();
  readonly #matchers = new WeakMap<RuleRecord, (event: unknown) => boolean>();
  readonly #path: string;

  constructor(options: EventBridgeOptions, now: number) {
    this.#path = join(options.directory, "state.json");
    const state: State = existsSync(this.#path) ? readState(this.#path) : NOTHING;
    for (const name of new Set(["default", ...options.buses])) {
      const before = state.buses.find((bus) => bus.name === name);
      this.buses.set(name, { createdAt: now, tags: {}, ...before, name, managed: true });
    }
    for (const bus of state.buses) if (!bus.managed && !this.buses.has(bus.name)) this.buses.set(bus.name, bus);
    for (const rule of state.rules) if (!rule.managed && this.buses.has(rule.bus)) this.putRule(rule);
    this.#manageRules(options, state.rules);
    for (const archive of state.archives) if (!archive.managed) this.archives.set(archive.name, archive);
    for (const archive of options.archives) {
      if (!this.buses.has(archive.bus))
        throw new Error(`Archive ${archive.name} is of ${archive.bus}, which doesn't exist`);
      const before = state.archives.find(({ name, managed }) => name === archive.name && managed);
      this.archives.set(archive.name, { createdAt: before?.createdAt ?? now, from: 0, ...archive, managed: true });
    }
    for (const replay of state.replays) this.replays.set(replay.name, replay);
    this.save();
  }

  /** The rules of the options, with targets that a user has added. */
  #manageRules({ rules }: EventBridgeOptions, before: readonly RuleRecord[]): void {
    for (const { name, bus, pattern, description, isEnabled = true, targets } of rules) {
      if (!this.buses.has(bus)) throw new Error(`Rule ${name} is for event bus ${bus}, which doesn't exist`);
      const ids = new Set(targets.map(({ id }) => id));
      const added = before
        .filter((rule) => rule.name === name && rule.bus === bus)
        .flatMap((rule) => rule.targets.filter(({ target, managed }) => !managed && !ids.has(target.Id)));
      this.putRule({
        name,
        bus,
        pattern: JSON.stringify(pattern),
        state: isEnabled ? "ENABLED" : "DISABLED",
        ...(description !== undefined && { description }),
        tags: {},
        targets: [...targets.map((spec) => ({ target: targetOf(spec), managed: true })), ...added],
        managed: true,
      });
    }
  }

  rule(bus: string, name: string): RuleRecord | undefined {
    return this.#rules.get(bus)?.get(name);
  }

  rulesOf(bus: string): RuleRecord[] {
    return byName(this.#rules.get(bus)?.values() ?? []);
  }

  /** Adds or replaces a rule. Throws `InvalidEventPatternException`. */
  putRule(rule: RuleRecord): void {
    this.#matchers.set(rule, compilePattern(JSON.parse(rule.pattern)));
    const rules = this.#rules.get(rule.bus) ?? new Map<string, RuleRecord>();
    rules.set(rule.name, rule);
    this.#rules.set(rule.bus, rules);
  }

  deleteRule(bus: string, name: string): void {
    this.#rules.get(bus)?.delete(name);
  }

  /** The enabled rules of a bus that an event matches. */
  matching(bus: string, event: unknown): RuleRecord[] {
    return this.rulesOf(bus).filter((rule) => rule.state !== "DISABLED" && this.#matchers.get(rule)?.(event));
  }

  target(bus: string, rule: string, targetId: string): TargetSpec | undefined {
    const found = this.rule(bus, rule)?.targets.find(({ target }) => target.Id === targetId);
    return found && specOf(found.target);
  }

  save(): void {
    const state: State = {
      buses: [...this.buses.values()],
      rules: [...this.#rules.values()].flatMap((rules) => [...rules.values()]),
      archives: [...this.archives.values()],
      replays: [...this.replays.values()],
    };
    const fresh = `${this.#path}.new`;
    try {
      writeFileSync(fresh, JSON.stringify(state), { mode: 0o600 });
      renameSync(fresh, this.#path);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw refusedByDisk(error, this.#path);
    }
  }
}
