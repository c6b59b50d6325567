import { describe, expect, it, onTestFinished } from "vitest";
import { EventStore, type LogEntry, type Pending } from "../../../infra/emulator/events/event-store.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const event: LogEntry["event"] = {
  version: "0",
  id: "e",
  "detail-type": "T",
  source: "s",
  account: "1",
  time: "2026-01-02T03:04:05Z",
  region: "r",
  resources: [],
  detail: {},
};

const entry = (...ids: string[]): LogEntry => ({
  at: 5,
  event,
  hops: 0,
  deliveries: ids.map((id) => ({ id, rule: "r", targetId: "t" })),
});

/** Opens the store of a folder again, as after a crash: nothing was closed. */
function open(directory: string): EventStore {
  const store = new EventStore(directory);
  onTestFinished(() => store.close());
  return store;
}

const idsOf = (store: EventStore): string[] => [...store.pending.keys()];

describe("EventStore", () => {
  it("given deliveries of which some are over, then the others are pending after a crash", async () => {
    const directory = await temporaryFolder();
    const store = open(directory);
    const [a, , c] = store.append([entry("a", "b"), entry("c"), entry()]) as [Pending, Pending, Pending];
    store.done(a);
    store.failed(c);
    const again = open(directory);
    expect(idsOf(again)).toEqual(["b", "c"]);
    expect([...again.pending.values()].map(({ attempts, since }) => [attempts, since])).toEqual([
      [0, 5],
      [1, 5],
    ]);
    expect(again.entryOf(c)).toEqual(entry("c"));
  });

  it("given a failure before one restart and one after it, then attempts add up", async () => {
    const directory = await temporaryFolder();
    const store = open(directory);
    store.append([entry("a")]);
    for (let restart = 1; restart <= 3; restart++) {
      const again = open(directory);
      again.failed(again.pending.get("a") as Pending);
      expect(open(directory).pending.get("a")?.attempts).toBe(restart);
    }
  });

  it("given a replay, then its deliveries are pending after a crash, and its progress is known", async () => {
    const directory = await temporaryFolder();
    const store = open(directory);
    const [placed, next] = store.append([entry("first"), entry("second")]) as [Pending, Pending];
    expect(store.replayedUntil("r")).toBeUndefined();
    store.replay("r", placed, [{ ...placed, id: "replayed", replay: "r" }]);
    // Opened twice: the first opening rewrites the journal.
    open(directory);
    const again = open(directory);
    expect(idsOf(again).sort()).toEqual(["first", "replayed", "second"]);
    expect(again.pending.get("replayed")).toEqual({ ...placed, id: "replayed", replay: "r" });
    expect(again.replayedUntil("r")).toBe(next.offset);
  });
});
