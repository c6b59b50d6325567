import { readFileSync } from "node:fs";
import { currentBudget } from "./limits.ts";

/**
 * Several programs run at the same time, each of them under its own limit: what they have together is
 * looked at every so often. Only Linux says it.
 */

const CHECK_INTERVAL_MS = 100;
const BYTES_PER_KB = 1_024;

/** A program that runs. */
export type Watched = {
  pid: number;
  /** The most memory that it was seen with. Bytes. */
  peakBytes: number;
  /** Called once, where it's the largest and all are too large. */
  onExcess: () => void;
};

/** Memory of its own that a process has: undefined where it's gone, or the system doesn't say. */
function bytesOf(pid: number): number | undefined {
  try {
    const found = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return found === null ? undefined : Number(found[1]) * BYTES_PER_KB;
  } catch {
    return undefined;
  }
}

/** Of the budget: what fails with more than this fails for want of memory, whatever it says. */
const FULL_SHARE = 0.75;

/** Whether a program had about as much memory as it may have. */
export const isFull = ({ peakBytes }: Watched): boolean => peakBytes > FULL_SHARE * currentBudget().programBytes;

const running = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;

/** Ends the largest program where all together have more than the budget. */
function checkMemory(): void {
  const sizes = [...running].map((watched) => ({ watched, bytes: bytesOf(watched.pid) ?? 0 }));
  for (const { watched, bytes } of sizes) watched.peakBytes = Math.max(watched.peakBytes, bytes);
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= currentBudget().programsBytes) return;
  const { watched } = sizes.reduce((largest, one) => (one.bytes > largest.bytes ? one : largest));
  unwatch(watched);
  watched.onExcess();
}

/** Begins to look at a program. */
export function watch(watched: Watched): void {
  running.add(watched);
  if (timer === undefined && process.platform === "linux") timer = setInterval(checkMemory, CHECK_INTERVAL_MS).unref();
}

/** Its process is gone, or about to. */
export function unwatch(watched: Watched): void {
  running.delete(watched);
  if (running.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
