import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Dispatcher, type Outcome, type Queued } from "../../../infra/emulator/events/dispatcher.ts";
import { EventStore } from "../../../infra/emulator/events/event-store.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

async function queued(): Promise<Queued> {
  const store = new EventStore(await temporaryFolder());
  onTestFinished(() => store.close());
  return {
    bus: "b",
    store,
    pending: { id: "1", rule: "r", targetId: "t", offset: 0, length: 0, since: 0, attempts: 0 },
  };
}

describe("Dispatcher", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    return () => void vi.useRealTimers();
  });

  it("given a delivery before it was started, then it is attempted when it is", async () => {
    let attempts = 0;
    const dispatcher = new Dispatcher(
      async () => {
        attempts++;
        return "over";
      },
      () => {},
    );
    dispatcher.add(await queued());
    expect([attempts, dispatcher.unfinished]).toEqual([0, 1]);
    dispatcher.start();
    await vi.advanceTimersByTimeAsync(0);
    expect([attempts, dispatcher.unfinished]).toEqual([1, 0]);
  });

  it("given a delivery to be attempted again, then that is after its wait, and it is unfinished until it is over", async () => {
    const outcomes: Outcome[] = [{ again: 1_000 }, "over"];
    const dispatcher = new Dispatcher(
      async () => outcomes.shift() ?? "over",
      () => {},
    );
    dispatcher.start();
    dispatcher.add(await queued());
    await vi.advanceTimersByTimeAsync(999);
    expect([outcomes.length, dispatcher.unfinished]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect([outcomes.length, dispatcher.unfinished]).toEqual([0, 0]);
  });

  it("given retries that wait when it is closed, then no timer is left", async () => {
    const dispatcher = new Dispatcher(
      async () => ({ again: 1_000 }),
      () => {},
    );
    dispatcher.start();
    dispatcher.add(await queued());
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(1);
    dispatcher.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("given an attempt that fails after it was closed, then no retry is planned", async () => {
    const attempt = Promise.withResolvers<Outcome>();
    const dispatcher = new Dispatcher(
      () => attempt.promise,
      () => {},
    );
    dispatcher.start();
    dispatcher.add(await queued());
    dispatcher.close();
    attempt.resolve({ again: 1_000 });
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
