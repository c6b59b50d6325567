import { describe, expect, it } from "vitest";
import { decide, MOST_REQUESTS } from "../../../services/reconciler/domain/patience.ts";

const HOUR = 3_600;

describe("what is done for an upload without an end, given an hour's grace", () => {
  it.each([
    [{ requests: 0, lastRequestAt: undefined }, 0.9, "wait"],
    [{ requests: 0, lastRequestAt: undefined }, 1, "request"],
    [{ requests: 1, lastRequestAt: 1 * HOUR }, 2.9, "wait"],
    [{ requests: 1, lastRequestAt: 1 * HOUR }, 3, "request"],
    [{ requests: 2, lastRequestAt: 3 * HOUR }, 7, "request"],
    [{ requests: MOST_REQUESTS, lastRequestAt: 7 * HOUR }, 14.9, "wait"],
    [{ requests: MOST_REQUESTS, lastRequestAt: 7 * HOUR }, 15, "give up"],
  ])("%j after %d hours: %s", (known, hours, decision) => {
    expect(decide({ uploadedAt: 0, ...known }, HOUR, hours * HOUR)).toBe(decision);
  });
});
