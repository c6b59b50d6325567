import type { Context } from "aws-lambda";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { deadlineOf } from "../../../services/runtime/deadline.ts";

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Of an invocation that began now and may take so long. */
const contextOf = (timeoutMs: number) =>
  ({ getRemainingTimeInMillis: () => timeoutMs - Date.now() }) as unknown as Context;

const tooLate = (seconds: number) => new Error(`not within ${seconds} s`);

it("aborts five seconds before the function's timeout, with the seconds that the work had", () => {
  const { signal, secondsLeft } = deadlineOf(contextOf(60_000), tooLate);
  expect(secondsLeft()).toBe(55);
  vi.advanceTimersByTime(54_999);
  expect([signal.aborted, secondsLeft()]).toEqual([false, 0.001]);
  vi.advanceTimersByTime(1);
  expect(signal.reason).toEqual(new Error("not within 55 s"));
  vi.advanceTimersByTime(3_000);
  expect(secondsLeft()).toBe(0);
});

it("never aborts once it's cleared", () => {
  const { signal, clear } = deadlineOf(contextOf(60_000), tooLate);
  clear();
  vi.advanceTimersByTime(60_000);
  expect(signal.aborted).toBe(false);
});
