import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { Journal } from "../journal.ts";
import { SqsError } from "./errors.ts";

export type Content = { body: string; attributes: Record<string, string> };

export type StoredMessage = Content & { id: string /** Epoch milliseconds. */; sentAt: number };

/** A message in flight: received, and hidden from other receivers. */
export type Received = StoredMessage & { receiptHandle: string; receiveCount: number };

type Change = { put: StoredMessage } | { delete: string };

const ChangeLine = z.union([
  z.looseObject({
    put: z.looseObject({
      id: z.string(),
      sentAt: z.number(),
      body: z.string(),
      attributes: z.record(z.string(), z.string()),
    }),
  }),
  z.looseObject({ delete: z.string() }),
]);

type Held = { message: StoredMessage; visibleAt: number; receiveCount: number; receipt: string };

/** Interval at which a waiting receiver checks the queue. */
const POLL_MS = 50;

const DAY_MS = 86_400_000;

/**
 * A standard queue: durable when `send` returns, at least once, in no guaranteed order. What was
 * received and not deleted is visible again after its visibility timeout, and after a restart.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
 */
export class Queue {
  readonly name: string;
  readonly #journal: Journal<Change>;
  readonly #held: Map<string, Held>;
  readonly #retentionMs: number;

  private constructor(name: string, journal: Journal<Change>, messages: Iterable<StoredMessage>, retentionMs: number) {
    this.name = name;
    this.#journal = journal;
    this.#retentionMs = retentionMs;
    this.#held = new Map();
    for (const message of messages) this.#hold(message);
  }

  /**
   * Opens the queue of a file, which is rewritten without what was deleted. Throws
   * `DamagedStateError`.
   */
  static async open(name: string, path: string, retentionDays: number): Promise<Queue> {
    const messages = new Map<string, StoredMessage>();
    await Journal.replay(path, (line) => {
      ChangeLine.parse(line);
      const change = line as Change;
      if ("put" in change) messages.set(change.put.id, change.put);
      else messages.delete(change.delete);
    });
    const kept = [...messages.values()];
    const journal = Journal.rewrite<Change>(
      path,
      kept.map((put) => ({ put })),
    );
    return new Queue(name, journal, kept, retentionDays * DAY_MS);
  }

  #hold(message: StoredMessage): void {
    this.#held.set(message.id, { message, visibleAt: 0, receiveCount: 0, receipt: "" });
  }

  #dropExpired(): void {
    const oldest = Date.now() - this.#retentionMs;
    for (const { message } of this.#held.values()) if (message.sentAt < oldest) this.#remove(message.id);
  }

  #remove(id: string): void {
    this.#journal.append({ delete: id });
    this.#held.delete(id);
  }

  /** Returns the message's id. Throws where the disk is full. */
  send({ body, attributes }: Content): string {
    const message = { id: randomUUID(), sentAt: Date.now(), body, attributes };
    this.#journal.append({ put: message });
    this.#hold(message);
    return message.id;
  }

  #take(max: number, visibilitySeconds: number): Received[] {
    this.#dropExpired();
    const now = Date.now();
    const visible = [...this.#held.values()].filter(({ visibleAt }) => visibleAt <= now).slice(0, max);
    return visible.map((held) => {
      held.visibleAt = now + visibilitySeconds * 1_000;
      held.receiveCount += 1;
      held.receipt = randomUUID();
      const receiptHandle = Buffer.from(`${held.message.id} ${held.receipt}`).toString("base64url");
      return { ...held.message, receiptHandle, receiveCount: held.receiveCount };
    });
  }

  /**
   * Waits at most that many seconds for a first message; empty when there's none, or `signal` is
   * aborted.
   */
  async receive(
    max: number,
    { visibilitySeconds, waitSeconds, signal }: { visibilitySeconds: number; waitSeconds: number; signal: AbortSignal },
  ): Promise<Received[]> {
    for (const until = Date.now() + waitSeconds * 1_000; ; ) {
      if (signal.aborted) return [];
      const taken = this.#take(max, visibilitySeconds);
      if (taken.length > 0 || Date.now() >= until) return taken;
      await sleep(POLL_MS);
    }
  }

  /**
   * The message of a receipt; undefined where it's deleted. Throws `SqsError` where the receipt is
   * none of this queue's.
   */
  #of(receiptHandle: string): Held | undefined {
    const [id = "", receipt = ""] = Buffer.from(receiptHandle, "base64url").toString().split(" ");
    if (receipt === "")
      throw new SqsError("ReceiptHandleIsInvalid", `The input receipt handle "${receiptHandle}" is not valid.`);
    return this.#held.get(id);
  }

  /** Also with an older receipt, and repeatedly, as with SQS. */
  delete(receiptHandle: string): void {
    const held = this.#of(receiptHandle);
    if (held !== undefined) this.#remove(held.message.id);
  }

  /** Seconds from now. */
  changeVisibility(receiptHandle: string, seconds: number): void {
    const held = this.#of(receiptHandle);
    if (held !== undefined) held.visibleAt = Date.now() + seconds * 1_000;
  }

  purge(): void {
    for (const id of [...this.#held.keys()]) this.#remove(id);
  }

  /** All messages, in flight or not. */
  messages(): StoredMessage[] {
    this.#dropExpired();
    return [...this.#held.values()].map(({ message }) => message);
  }

  counts(): { visible: number; inFlight: number } {
    this.#dropExpired();
    const now = Date.now();
    const inFlight = [...this.#held.values()].filter(({ visibleAt }) => visibleAt > now).length;
    return { visible: this.#held.size - inFlight, inFlight };
  }

  close(): void {
    this.#journal.close();
  }
}
