import { setImmediate } from "node:timers/promises";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Context } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LedgerPersistence } from "../../../services/aws/idempotency.ts";
import { onceInLedger } from "../../../services/runtime/once.ts";
import { openLedgerTable } from "../../fixtures/ledger-table.ts";

/**
 * Every order in which two deliveries of one upload can be started, crash, run out of time, fail,
 * finish and be retried, played on the real ledger. Lambda's rules: a retry comes only after its
 * attempt has ended, carries the same request id, and there are so many of them; then the delivery
 * is a dead letter.
 */
type Step = { delivery: number; what: "start" | "finish" | "crash" | "time out" | "fail" | Continued };

/**
 * The possible results of an attempt that made segments and leaves the others to the next
 * invocation: it has released its record, and published the request or not, when it ends or is
 * killed.
 */
type Continued = "continue" | "release, crash" | "continue, crash";

const DELIVERIES = 2;
/**
 * Lambda makes three: with all of them there are 6,917 orders, which hold as well and take a minute
 * more.
 */
const MAX_ATTEMPTS = 2;
const TIMEOUT_MS = 15 * 60_000;

/** The ends of an attempt while there is a continuation to come. */
const CONTINUED: Step["what"][] = ["continue", "release, crash", "continue, crash"];

type Settle = Record<"finish" | "release" | "fail", () => void>;
type Attempt = Settle & { state: "working" | "ended"; outcome: Promise<unknown> };
type Delivery = { attempts: number; state: "waiting" | "working" | "done" | "dead letter" };

class World {
  readonly deliveries: Delivery[] = Array.from({ length: DELIVERIES }, () => ({ attempts: 0, state: "waiting" }));
  readonly #attempts: (Attempt | undefined)[] = [];
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #key: string;
  finished = 0;
  working = 0;
  mostWorking = 0;
  /** How many requests for the next invocation may be published. */
  #continuations: number;
  /** What may become of an attempt. With a continuation fewer, so that there are not too many orders. */
  readonly #ends: Step["what"][];
  /** Deliveries that ended otherwise than they may. */
  readonly faults: string[] = [];

  constructor(client: DynamoDBDocumentClient, table: string, key: string, continuations = 0) {
    this.#continuations = continuations;
    this.#ends = continuations > 0 ? ["finish", "crash"] : ["finish", "crash", "time out", "fail"];
    this.#client = client;
    this.#table = table;
    this.#key = key;
  }

  /** What can happen next. */
  steps(): Step[] {
    return this.deliveries.flatMap(({ state }, delivery): Step[] => {
      if (state === "waiting") return [{ delivery, what: "start" }];
      if (state !== "working") return [];
      const ends: Step["what"][] = this.#continuations > 0 ? CONTINUED : this.#ends;
      return ends.map((what) => ({ delivery, what }));
    });
  }

  async play({ delivery, what }: Step): Promise<void> {
    if (what === "start") return this.#start(delivery);
    const attempt = this.#attempts[delivery]!;
    this.working -= 1;
    if (what === "finish") {
      attempt.finish();
      await attempt.outcome;
      this.finished += 1;
      this.deliveries[delivery]!.state = "done";
      return;
    }
    if (what === "continue" || what === "release, crash" || what === "continue, crash") {
      attempt.release();
      await attempt.outcome;
      if (what !== "release, crash") {
        this.#continuations -= 1;
        this.deliveries.push({ attempts: 0, state: "waiting" });
      }
      if (what === "continue") this.deliveries[delivery]!.state = "done";
      else this.#retry(delivery);
      return;
    }
    if (what === "fail") {
      attempt.fail();
      await attempt.outcome;
    }
    // One that crashed or was killed says nothing more; one that ran out of time has used it all.
    if (what === "time out") vi.setSystemTime(Date.now() + TIMEOUT_MS);
    this.#retry(delivery);
  }

  #retry(delivery: number): void {
    const { attempts } = this.deliveries[delivery]!;
    this.deliveries[delivery]!.state = attempts < MAX_ATTEMPTS ? "waiting" : "dead letter";
  }

  async #start(delivery: number): Promise<void> {
    this.deliveries[delivery]!.attempts += 1;
    const context = { awsRequestId: `request-${delivery}`, getRemainingTimeInMillis: () => TIMEOUT_MS } as Context;
    const once = onceInLedger(new LedgerPersistence(this.#client, this.#table), context);
    const begun = await new Promise<Attempt | { ended: unknown } | { threw: unknown }>((resolve) => {
      let settle: Settle | undefined;
      const outcome: Promise<unknown> = once(
        this.#key,
        "asking",
        () =>
          new Promise<{ result: string; keep: boolean }>((finish, fail) => {
            settle = {
              finish: () => finish({ result: "split", keep: true }),
              release: () => finish({ result: "continued", keep: false }),
              fail: () => fail(new Error("S3 is down")),
            };
            setImmediate().then(() => resolve({ state: "working", outcome, ...settle! }));
          }),
      ).then(
        (ended) => resolve({ ended }),
        (threw: unknown) => resolve({ threw }),
      );
    });
    if ("state" in begun) {
      this.#attempts[delivery] = begun;
      this.deliveries[delivery]!.state = "working";
      this.working += 1;
      this.mostWorking = Math.max(this.mostWorking, this.working);
    } else if ("threw" in begun) {
      this.faults.push(`delivery ${delivery} threw ${begun.threw}`);
      this.#retry(delivery);
    } else this.deliveries[delivery]!.state = "done";
  }
}

describe("two deliveries of one upload, in every order of what can become of them", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-24T00:00:00Z") }));
  afterEach(() => void vi.useRealTimers());

  for (const { what, continuations, tags } of [
    { what: "one invocation", continuations: 0, tags: [] },
    { what: "an invocation and its continuation", continuations: 1, tags: ["full"] },
  ])
    it(`never work at the same time, never work again after one has finished, and lose nothing: ${what}`, {
      timeout: 300_000,
      tags,
    }, async () => {
      const { client, table } = await openLedgerTable();
      let orders = 0;

      const check = ({ faults, mostWorking, finished }: World, path: Step[]): string => {
        const played = path.map(({ delivery, what }) => `${what} ${delivery}`).join(", ");
        expect(faults, played).toEqual([]);
        expect(mostWorking, played).toBeLessThanOrEqual(1);
        expect(finished, played).toBeLessThanOrEqual(1);
        return played;
      };

      // Each order is played to its end; where there was a choice, the others are played later.
      // The deliveries are alike: the one that starts first is called 0.
      const begun: Step[][] = [[{ delivery: 0, what: "start" }]];
      for (let path = begun.pop(); path !== undefined; path = begun.pop()) {
        orders += 1;
        const world = new World(client, table, `video-${orders}`, continuations);
        for (const step of path) await world.play(step);
        for (let next = world.steps(); next.length > 0; next = world.steps()) {
          check(world, path);
          for (const other of next.slice(1)) begun.push([...path, other]);
          await world.play(next[0]!);
          path = [...path, next[0]!];
        }
        // Nothing more can come: the work was done, or there is a dead letter.
        const deadLetters = world.deliveries.some(({ state }) => state === "dead letter");
        expect(world.finished === 1 || deadLetters, check(world, path)).toBe(true);
      }
      console.info(`${orders} orders were played`);
      expect(orders).toBeGreaterThan(100);
    });
});
