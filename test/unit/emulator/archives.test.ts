import { expect, it } from "vitest";
import { archived } from "../../../infra/emulator/events/archives.ts";
import type { PlacedEntry } from "../../../infra/emulator/events/event-store.ts";

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;

const acceptedAt = (at: number): PlacedEntry => ({
  offset: 0,
  length: 0,
  entry: {
    at,
    hops: 0,
    deliveries: [],
    event: {
      version: "0",
      id: "e",
      "detail-type": "T",
      source: "s",
      account: "1",
      time: "2026-01-02T03:04:05Z",
      region: "r",
      resources: [],
      detail: {},
    },
  },
});

it.each([
  [0, 0, true],
  [3, NOW - 3 * DAY_MS, true],
  [3, NOW - 3 * DAY_MS - 1, false],
])("given a retention of %i days, then an event accepted at %i is held: %s", (retentionDays, at, held) => {
  expect(archived({ retentionDays }, NOW)(acceptedAt(at))).toBe(held);
});

it("given a pattern, then what doesn't match isn't held", () => {
  expect(archived({ retentionDays: 0, pattern: '{"source":["s"]}' }, NOW)(acceptedAt(0))).toBe(true);
  expect(archived({ retentionDays: 0, pattern: '{"source":["x"]}' }, NOW)(acceptedAt(0))).toBe(false);
});
