import { readFileSync } from "node:fs";
import { currentBudget } from "./limits.ts";

/**
 * Limits the memory of all running programs together, by sampling it: each one also has a limit of
 * its own. Works on Linux only.
 */

const CHECK_INTERVAL_MS = 100;
const BYTES_PER_KB = 1_024;

/** A running program. */
export type Watched = {
  pid: number;
  /** The most memory that was measured, in bytes. */
  peakBytes: number;
  /** Called once, when the total is too large and this is the largest program. */
  onExcess: () => void;
};

/** Private memory of a process; undefined when it has ended, or the system doesn't report it. */
function bytesOf(pid: number): number | undefined {
  try {
    const found = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return found === null ? undefined : Number(found[1]) * BYTES_PER_KB;
  } catch {
    return undefined;
  }
}

/** The most memory that a program was seen with, as a share of what it may have. */
export const memoryShare = ({ peakBytes }: Watched): number => peakBytes / currentBudget().programBytes;

const running = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;

/** Stops the largest program when the total exceeds the budget. */
function checkMemory(): void {
  const sizes = [...running].map((watched) => ({ watched, bytes: bytesOf(watched.pid) ?? 0 }));
  for (const { watched, bytes } of sizes) watched.peakBytes = Math.max(watched.peakBytes, bytes);
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= currentBudget().programsBytes) return;
  const { watched } = sizes.reduce((largest, one) => (one.bytes > largest.bytes ? one : largest));
  unwatch(watched);
  watched.onExcess();
}

/** Starts measuring a program. */
export function watch(watched: Watched): void {
  running.add(watched);
  if (timer === undefined && process.platform === "linux") timer = setInterval(checkMemory, CHECK_INTERVAL_MS).unref();
}

/** Stops measuring a program that has ended or is about to. */
export function unwatch(watched: Watched): void {
  running.delete(watched);
  if (running.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
