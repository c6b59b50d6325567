import { describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import type { Ledger } from "../../../services/split/ports/ledger.ts";
import { OutOfTimeError } from "../../../services/video/errors.ts";
import { fakeOnce } from "../../fakes/once.ts";
import { contentById, type Request, requestsIn, slow, VIDEO, wholeContent } from "../../fixtures/ranged-split.ts";
import { openLedger, split, type World } from "../../fixtures/split-world.ts";

/** Plays a split to its end: all that it requests is delivered, and what fails is delivered again. */
async function play(
  ledger: Ledger,
  hooks: Partial<World>,
  deliver: (queue: Request[]) => Request,
): Promise<VideoSplitEvent[]> {
  const events: VideoSplitEvent[] = [];
  const queue: Request[] = [{}];
  const once = fakeOnce();
  for (let delivery = 0; queue.length > 0; delivery += 1) {
    if (delivery > 40) throw new Error("it doesn't end");
    const request = deliver(queue);
    const isFirst = request?.continuation === undefined;
    const timed = isFirst ? slow() : {};
    const invocation = once.invocation(request?.messageId ?? "m", 900_000);
    const { outcome, events: announced } = await split({
      ...VIDEO,
      ...timed,
      ...hooks,
      ledger,
      once: invocation,
      request: request ?? {},
    });
    events.push(...announced);
    queue.push(...requestsIn(announced));
    if (outcome instanceof Error) queue.unshift(request);
  }
  return events;
}

/** Each call of the ledger, and each upload and event, is one moment at which a function may die. */
function killedAt(moment: number, isAfter: boolean): { ledger: Ledger; hooks: Partial<World>; moments: () => number } {
  let passed = 0;
  const pass = () => {
    passed += 1;
    if (passed === moment) throw new Error("killed");
  };
  const real = openLedger();
  const ledger = Object.fromEntries(
    Object.entries(real).map(([name, call]) => [
      name,
      async (...values: unknown[]) => {
        if (!isAfter) pass();
        const result = await (call as (...of: unknown[]) => Promise<unknown>)(...values);
        if (isAfter) pass();
        return result;
      },
    ]),
  ) as typeof real;
  return { ledger, hooks: { onUpload: async () => pass(), onPublish: async () => pass() }, moments: () => passed };
}

/** The same moments: at one of them the time of the invocation is over, and what it waits for is aborted. */
function timeIsUpAt(moment: number): ReturnType<typeof killedAt> {
  let passed = 0;
  let time = new AbortController();
  const pass = () => {
    passed += 1;
    if (passed === moment) time.abort(new OutOfTimeError("time is up"));
  };
  const real = openLedger();
  const ledger = Object.fromEntries(
    Object.entries(real).map(([name, call]) => [
      name,
      (...values: unknown[]) => {
        pass();
        return (call as (...of: unknown[]) => Promise<unknown>)(...values);
      },
    ]),
  ) as typeof real;
  const hooks: Partial<World> = {
    // Each invocation has its own.
    get signal() {
      time = new AbortController();
      return time.signal;
    },
    onUpload: async () => {
      pass();
      time.signal.throwIfAborted();
    },
    onPublish: async (_type, signal) => {
      pass();
      signal?.throwIfAborted();
    },
  };
  return { ledger, hooks, moments: () => passed };
}

describe("given a function is killed at any moment of a split in ranges", () => {
  it.each([
    { when: "before a call", isAfter: false },
    { when: "after a call of the ledger", isAfter: true },
  ])(
    "$when, then events and their contents are those of a single invocation",
    { tags: "full" },
    async ({ isAfter }) => {
      const expected = await wholeContent();
      const calm = killedAt(0, isAfter);
      await play(calm.ledger, calm.hooks, (queue) => queue.shift());
      const moments = calm.moments();
      expect(moments).toBeGreaterThan(60);
      for (let moment = 1; moment <= moments; moment += 1) {
        const { ledger, hooks } = killedAt(moment, isAfter);
        expect(contentById(await play(ledger, hooks, (queue) => queue.shift())), `killed at ${moment}`).toEqual(
          expected,
        );
      }
    },
  );

  it("or is over its time at any moment, then they are too", { tags: "full" }, async () => {
    const expected = await wholeContent();
    const calm = timeIsUpAt(0);
    await play(calm.ledger, calm.hooks, (queue) => queue.shift());
    const moments = calm.moments();
    expect(moments).toBeGreaterThan(60);
    for (let moment = 1; moment <= moments; moment += 1) {
      const { ledger, hooks } = timeIsUpAt(moment);
      const events = await play(ledger, hooks, (queue) => queue.shift());
      expect(contentById(events), `over at ${moment}`).toEqual(expected);
    }
  });

  it("in whatever order the ranges are delivered", { tags: "full" }, async () => {
    const expected = await wholeContent();
    // Three ranges are requested by the first: each order once.
    for (let order = 0; order < 6; order += 1) {
      let rest = order;
      const events = await play(openLedger(), {}, (queue) => {
        const choices = queue.length;
        const [request] = queue.splice(rest % choices, 1);
        rest = Math.floor(rest / choices);
        return request;
      });
      expect(contentById(events)).toEqual(expected);
    }
  });
});
