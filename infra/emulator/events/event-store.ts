import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { damaged, orDamaged } from "../damage.ts";
import { LineFile, type Place } from "./line-file.ts";
import type { BusEvent } from "./types.ts";

/** An event for one target that isn't handled yet. The event itself stays on disk. */
export type Pending = Place & {
  id: string;
  rule: string;
  targetId: string;
  /** When the bus accepted it, in epoch milliseconds. */
  since: number;
  attempts: number;
  /** The replay that it is part of. */
  replay?: string;
};

/** A line of the log: an event with its deliveries. */
export type LogEntry = {
  /** Epoch milliseconds. */
  at: number;
  event: BusEvent;
  /** How many buses it was forwarded through. */
  hops: number;
  deliveries: { id: string; rule: string; targetId: string }[];
};

export type PlacedEntry = Place & { entry: LogEntry };

type JournalLine =
  /** Deliveries of the log before this byte are in the lines that follow. */
  | { from: number }
  | { pending: Pending }
  | { failed: string; attempts: number }
  | { done: string }
  /** The byte of the log that a replay has reached. */
  | { replay: string; next: number };

const Count = z.int().min(0);

const Entry = z.looseObject({
  at: z.number(),
  event: z.looseObject({ id: z.string(), source: z.string(), "detail-type": z.string(), detail: z.unknown() }),
  hops: Count,
  deliveries: z.array(z.looseObject({ id: z.string(), rule: z.string(), targetId: z.string() })),
});

const Line = z.union([
  z.looseObject({ from: Count }),
  z.looseObject({
    pending: z.looseObject({
      id: z.string(),
      rule: z.string(),
      targetId: z.string(),
      offset: Count,
      length: Count,
      since: z.number(),
      attempts: Count,
    }),
  }),
  z.looseObject({ failed: z.string(), attempts: Count }),
  z.looseObject({ done: z.string() }),
  z.looseObject({ replay: z.string(), next: Count }),
]);

/**
 * The journal is rewritten when it has this many lines, and most of them are about deliveries that
 * are over.
 */
const COMPACTION_LINES = 10_000;
const COMPACTION_RATIO = 4;

const pendingOf = ({ entry, offset, length }: PlacedEntry): Pending[] =>
  entry.deliveries.map((delivery) => ({ ...delivery, offset, length, since: entry.at, attempts: 0 }));

/**
 * One bus on disk: `log.jsonl` has every event with its deliveries in one line, so that they are
 * written in one step; `deliveries.jsonl` is the outcome of the deliveries. Pending deliveries are
 * in memory, the log isn't.
 */
export class EventStore {
  readonly pending = new Map<string, Pending>();
  readonly #directory: string;
  readonly #journalPath: string;
  readonly #logPath: string;
  readonly #log: LineFile;
  #journal: LineFile;
  readonly #replayed = new Map<string, number>();
  #journalLines = 0;
  #closed = false;

  /** Throws `DamagedStateError`. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#journalPath = join(directory, "deliveries.jsonl");
    this.#logPath = join(directory, "log.jsonl");
    this.#log = new LineFile(this.#logPath, { toMove: directory });
    this.#journal = new LineFile(this.#journalPath);
    this.#recover();
    this.#compact();
  }

  #recover(): void {
    let from = 0;
    const over = new Set<string>();
    const attempts = new Map<string, number>();
    for (const { text, offset } of this.#journal.lines(0, this.#journal.end)) {
      const line = orDamaged(this.#journalPath, `the line at byte ${offset}`, () => {
        const parsed: JournalLine = JSON.parse(text);
        Line.parse(parsed);
        return parsed;
      });
      if ("from" in line) from = line.from;
      else if ("replay" in line) this.#replayed.set(line.replay, line.next);
      else if ("failed" in line) attempts.set(line.failed, line.attempts);
      else if ("done" in line) {
        this.pending.delete(line.done);
        over.add(line.done);
      } else this.pending.set(line.pending.id, line.pending);
    }
    if (from > this.#log.end)
      throw damaged(this.#logPath, `it has ${this.#log.end} bytes and had ${from}`, { toMove: this.#directory });
    for (const placed of this.entries(0, this.#log.end)) {
      if (placed.offset < from) continue;
      for (const pending of pendingOf(placed)) if (!over.has(pending.id)) this.pending.set(pending.id, pending);
    }
    for (const pending of this.pending.values()) pending.attempts = attempts.get(pending.id) ?? pending.attempts;
  }

  #compact(): void {
    const fresh = `${this.#journalPath}.new`;
    rmSync(fresh, { force: true });
    const lines: JournalLine[] = [{ from: this.#log.end }];
    for (const [replay, next] of this.#replayed) lines.push({ replay, next });
    for (const pending of this.pending.values()) lines.push({ pending });
    const journal = new LineFile(fresh, { name: this.#journalPath });
    journal.append(lines.map((line) => JSON.stringify(line)));
    renameSync(fresh, this.#journalPath);
    this.#journal.close();
    this.#journal = journal;
    this.#journalLines = lines.length;
  }

  #record(lines: readonly JournalLine[]): void {
    this.#journal.append(lines.map((line) => JSON.stringify(line)));
    this.#journalLines += lines.length;
  }

  #compactIfWorthIt(): void {
    if (this.#journalLines >= COMPACTION_LINES && this.#journalLines > COMPACTION_RATIO * this.pending.size) {
      this.#compact();
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Where the log ends, in bytes. */
  get end(): number {
    return this.#log.end;
  }

  /** Stores events with their deliveries; both are durable when it returns. */
  append(entries: readonly LogEntry[]): Pending[] {
    const places = this.#log.append(entries.map((entry) => JSON.stringify(entry)));
    const added = entries.flatMap((entry, at) => pendingOf({ entry, ...(places[at] as Place) }));
    for (const pending of added) this.pending.set(pending.id, pending);
    return added;
  }

  /** Stores deliveries of an event that is in the log already, and the progress of the replay. */
  replay(name: string, { offset, length }: Place, deliveries: readonly Pending[]): void {
    const next = offset + length + 1;
    this.#record([...deliveries.map((pending) => ({ pending })), { replay: name, next }]);
    this.#replayed.set(name, next);
    for (const pending of deliveries) this.pending.set(pending.id, pending);
  }

  /** The byte of the log that a replay has reached; undefined before its first event. */
  replayedUntil(name: string): number | undefined {
    return this.#replayed.get(name);
  }

  failed(pending: Pending): void {
    pending.attempts++;
    this.#record([{ failed: pending.id, attempts: pending.attempts }]);
    this.#compactIfWorthIt();
  }

  done({ id }: Pending): void {
    this.#record([{ done: id }]);
    this.pending.delete(id);
    this.#compactIfWorthIt();
  }

  entryOf(place: Place): LogEntry {
    return this.#entryIn(this.#log.read(place), place.offset);
  }

  /** Entries between two bytes of the log at which lines start. */
  *entries(from: number, until: number): Generator<PlacedEntry> {
    for (const { text, offset, length } of this.#log.lines(from, until)) {
      yield { offset, length, entry: this.#entryIn(text, offset) };
    }
  }

  #entryIn(text: string, offset: number): LogEntry {
    const read = (): LogEntry => {
      const parsed: LogEntry = JSON.parse(text);
      Entry.parse(parsed);
      return parsed;
    };
    return orDamaged(this.#logPath, `the line at byte ${offset}`, read, this.#directory);
  }

  close(): void {
    this.#closed = true;
    this.#log.close();
    this.#journal.close();
  }
}
