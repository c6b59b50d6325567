import { readFileSync } from "node:fs";
import { currentBudget } from "./limits.ts";

/**
 * Several programs run at the same time, each of them under its own limit: what they have together is
 * looked at every so often. Only Linux says it.
 */

const LOOK_EVERY_MS = 100;
const BYTES_PER_KB = 1_024;

/** A program that runs. */
export type Watched = {
  pid: number;
  /** The most memory that it was seen with. Bytes. */
  mostBytes: number;
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

/** The most memory that a program was seen with, as a share of what it may have. */
export const memoryShare = ({ mostBytes }: Watched): number => mostBytes / currentBudget().programBytes;

const running = new Set<Watched>();
let looking: NodeJS.Timeout | undefined;

/** Ends the largest program where all together have more than the budget. */
function look(): void {
  const sizes = [...running].map((watched) => ({ watched, bytes: bytesOf(watched.pid) ?? 0 }));
  for (const { watched, bytes } of sizes) watched.mostBytes = Math.max(watched.mostBytes, bytes);
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= currentBudget().programsBytes) return;
  const { watched } = sizes.reduce((largest, one) => (one.bytes > largest.bytes ? one : largest));
  unwatch(watched);
  watched.onExcess();
}

/** Begins to look at a program. */
export function watch(watched: Watched): void {
  running.add(watched);
  if (looking === undefined && process.platform === "linux") looking = setInterval(look, LOOK_EVERY_MS).unref();
}

/** Its process is gone, or about to. */
export function unwatch(watched: Watched): void {
  running.delete(watched);
  if (running.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}
