import { describe, expect, it } from "vitest";
import { type DeadLetter, type Delivery, TargetNotFoundError } from "../../../infra/emulator/events/index.ts";
import { all, busArn, busEvent, FUNCTION, OTHER_FUNCTION, openBridge, QUEUE, target } from "./bridge.ts";

const PATTERN = { source: ["test"] };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe("delivery", () => {
  it("given several rules and targets that match, then each receives the event once", async () => {
    const { bridge, received } = await openBridge({
      rules: [
        { name: "a", bus: "video", pattern: PATTERN, targets: [target("one"), target("two", { arn: OTHER_FUNCTION })] },
        { name: "b", bus: "video", pattern: PATTERN, targets: [target("one")] },
        { name: "c", bus: "video", pattern: { source: ["else"] }, targets: [target("one")] },
        { name: "d", bus: "default", pattern: PATTERN, targets: [target("one")] },
      ],
    });
    await bridge.put("video", [busEvent()]);
    await bridge.idle();
    expect(received.map(({ delivery, target: { id } }) => `${delivery.bus} ${delivery.rule} ${id}`).sort()).toEqual([
      "video a one",
      "video a two",
      "video b one",
    ]);
    expect(new Set(received.map(({ delivery }) => delivery.id)).size).toBe(3);
  });

  it("given a target that fails, then it is tried again with the same id until it doesn't", async () => {
    const { bridge, received } = await openBridge({
      rules: [{ name: "a", bus: "video", pattern: PATTERN, targets: [target("one")] }],
      deliver: async (_, __, { attempt }) => {
        if (attempt < 4) throw new Error("not yet");
      },
    });
    const delivered: Delivery[] = [];
    bridge.onDelivered((_, delivery) => delivered.push(delivery));
    await bridge.put("video", [busEvent()]);
    await bridge.idle();
    expect(received.map(({ delivery }) => delivery.attempt)).toEqual([1, 2, 3, 4]);
    expect(new Set(received.map(({ delivery }) => delivery.id)).size).toBe(1);
    expect(received[0]?.delivery.id).toMatch(UUID);
    expect(delivered).toEqual([received[3]?.delivery]);
  });

  it("given a target that always fails, then after its retries the event is a dead letter", async () => {
    const { bridge, received, deadLetters } = await openBridge({
      rules: [
        {
          name: "a",
          bus: "video",
          pattern: PATTERN,
          targets: [target("one", { retry: { attempts: 2, maxAgeSeconds: 86_400 }, deadLetterArn: QUEUE })],
        },
      ],
      deliver: async () => {
        throw new Error("broken");
      },
    });
    const event = busEvent({ n: 1 });
    await bridge.put("video", [event]);
    await bridge.idle();
    expect(received).toHaveLength(3);
    expect(deadLetters).toEqual([
      {
        arn: QUEUE,
        deadLetter: {
          rule: "a",
          targetArn: FUNCTION,
          errorCode: "SDK_CLIENT_ERROR",
          errorMessage: "broken",
          attempts: 3,
          event,
        },
      },
    ]);
  });

  it("given an event older than the policy allows, then it isn't tried again", async () => {
    const { bridge, received, deadLetters } = await openBridge({
      rules: [
        {
          name: "a",
          bus: "video",
          pattern: PATTERN,
          targets: [target("one", { retry: { attempts: 185, maxAgeSeconds: 0 }, deadLetterArn: QUEUE })],
        },
      ],
      deliver: async () => {
        throw new Error("broken");
      },
    });
    await bridge.put("video", [busEvent()]);
    await bridge.idle();
    expect(received).toHaveLength(1);
    expect(deadLetters[0]?.deadLetter.attempts).toBe(1);
  });

  it("given no dead-letter queue, then the event is dropped and listeners are called", async () => {
    const { bridge, deadLetters } = await openBridge({
      rules: [
        {
          name: "a",
          bus: "video",
          pattern: PATTERN,
          targets: [target("one", { retry: { attempts: 0, maxAgeSeconds: 86_400 } })],
        },
      ],
      deliver: async () => {
        throw new Error("broken");
      },
    });
    const dropped: [string | undefined, DeadLetter][] = [];
    bridge.onDeadLetter((arn, deadLetter) => dropped.push([arn, deadLetter]));
    await bridge.put("video", [busEvent()]);
    await bridge.idle();
    expect(deadLetters).toEqual([]);
    expect(dropped).toMatchObject([[undefined, { rule: "a", errorMessage: "broken" }]]);
  });

  it("given a dead-letter queue that fails at first, then the dead letter is sent again, and the target not tried again", async () => {
    let refusals = 2;
    const { bridge, received, deadLetters } = await openBridge({
      rules: [
        {
          name: "a",
          bus: "video",
          pattern: PATTERN,
          targets: [target("one", { retry: { attempts: 0, maxAgeSeconds: 86_400 }, deadLetterArn: QUEUE })],
        },
      ],
      deliver: async () => {
        throw new Error("broken");
      },
      sendDeadLetter: async () => {
        if (refusals-- > 0) throw new Error("disk full");
      },
    });
    await bridge.put("video", [busEvent()]);
    await bridge.idle();
    expect(received).toHaveLength(1);
    expect(deadLetters).toHaveLength(1);
  });

  it("given a dead-letter queue that was deleted, then the event is dropped, and is tried no more", async () => {
    const retry = { attempts: 0, maxAgeSeconds: 86_400 };
    const targets = [target("one", { retry, deadLetterArn: QUEUE })];
    const { bridge, received, deadLetters } = await openBridge({
      rules: [{ name: "a", bus: "video", pattern: PATTERN, targets }],
      deliver: async () => {
        throw new Error("broken");
      },
      sendDeadLetter: async (arn) => {
        throw new TargetNotFoundError(`There is no dead-letter queue ${arn}`);
      },
    });
    const lost: unknown[] = [];
    bridge.onDeadLetter((arn, { rule }) => lost.push([arn, rule]));
    await bridge.put("video", [busEvent()]);
    await bridge.idle();
    expect(received).toHaveLength(1);
    expect(deadLetters).toEqual([]);
    expect(lost).toEqual([[undefined, "a"]]);
  });

  it("given more events than may be in flight, then 200 run at a time and the others after them", async () => {
    let running = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const full = Promise.withResolvers<void>();
    const { bridge, received } = await openBridge({
      rules: [{ name: "a", bus: "video", pattern: PATTERN, targets: [target("one")] }],
      deliver: async () => {
        most = Math.max(most, ++running);
        if (running === 200) full.resolve();
        await gate.promise;
        running--;
      },
    });
    await bridge.put(
      "video",
      Array.from({ length: 500 }, () => busEvent()),
    );
    await full.promise;
    gate.resolve();
    await bridge.idle();
    expect(most).toBe(200);
    expect(received).toHaveLength(500);
  });

  it("given a target that hangs, then others receive their events", async () => {
    const gate = Promise.withResolvers<void>();
    const { bridge } = await openBridge({
      rules: [
        {
          name: "a",
          bus: "video",
          pattern: PATTERN,
          targets: [target("slow"), target("quick", { arn: OTHER_FUNCTION })],
        },
      ],
      deliver: ({ id }) => (id === "slow" ? gate.promise : Promise.resolve()),
    });
    const quick = new Promise<void>((resolve) => bridge.onDelivered(({ id }) => id === "quick" && resolve()));
    await bridge.put("video", [busEvent()]);
    await quick;
    gate.resolve();
    await bridge.idle();
  });

  it("given an event that a target puts, then idle waits for that too", async () => {
    const { bridge, received } = await openBridge({
      rules: [
        { name: "first", bus: "video", pattern: { detail: { n: [1] } }, targets: [target("one")] },
        { name: "second", bus: "video", pattern: { detail: { n: [2] } }, targets: [target("one")] },
      ],
      deliver: async (_, event) => {
        if ((event as { detail: { n: number } }).detail.n === 1) await bridge.put("video", [busEvent({ n: 2 })]);
      },
    });
    await bridge.put("video", [busEvent({ n: 1 })]);
    await bridge.idle();
    expect(received.map(({ delivery }) => delivery.rule)).toEqual(["first", "second"]);
  });

  it("given a bridge that is closed while something is pending, then idle rejects", async () => {
    const { bridge } = await openBridge({
      rules: [{ name: "a", bus: "video", pattern: PATTERN, targets: [target("one")] }],
      deliver: () => new Promise(() => {}),
    });
    await bridge.put("video", [busEvent()]);
    const idle = bridge.idle();
    await Promise.all([expect(idle).rejects.toThrow("closed"), bridge.close()]);
  });
});

describe("a target that is another bus", () => {
  const forward = (from: string, to: string) => ({
    name: `${from}-to-${to}`,
    bus: from,
    pattern: PATTERN,
    targets: [target("bus", { arn: busArn(to), deadLetterArn: QUEUE, retry: { attempts: 0, maxAgeSeconds: 60 } })],
  });

  it("given a match, then the event is on that bus, the same as before", async () => {
    const { bridge, received } = await openBridge({
      rules: [forward("default", "video"), { name: "a", bus: "video", pattern: PATTERN, targets: [target("one")] }],
    });
    const event = busEvent();
    await bridge.put("default", [event]);
    await bridge.idle();
    expect(received.map(({ event: got }) => got)).toEqual([event]);
  });

  it("given buses that forward to each other, then the event ends as a dead letter", async () => {
    const { bridge, deadLetters } = await openBridge({
      rules: [forward("default", "video"), forward("video", "default")],
    });
    await bridge.put("default", [busEvent()]);
    await bridge.idle();
    // Where it was put, and five times further.
    expect(await all(bridge.log("default"))).toHaveLength(3);
    expect(await all(bridge.log("video"))).toHaveLength(3);
    expect(deadLetters.map(({ deadLetter }) => deadLetter.errorCode)).toEqual(["THIRD_ACCOUNT_HOP_DETECTED"]);
  });

  it("given a bus that doesn't exist, then the event ends as a dead letter", async () => {
    const { bridge, deadLetters } = await openBridge({ rules: [forward("default", "nowhere")] });
    await bridge.put("default", [busEvent()]);
    await bridge.idle();
    expect(deadLetters.map(({ deadLetter }) => deadLetter.errorMessage)).toEqual(["There is no event bus nowhere"]);
  });
});

describe("listeners", () => {
  it("given an event, then they see it until they unsubscribe", async () => {
    const { bridge } = await openBridge();
    const seen: string[] = [];
    const unsubscribe = bridge.onEvent((bus, event) => seen.push(`${bus} ${event.source}`));
    await bridge.put("video", [busEvent()]);
    await bridge.put("default", [busEvent({}, { source: "else" })]);
    unsubscribe();
    await bridge.put("video", [busEvent()]);
    expect(seen).toEqual(["video test", "default else"]);
  });
});
