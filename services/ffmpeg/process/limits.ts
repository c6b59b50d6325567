import { type Budget, budgetOf } from "../../split/domain/budget.ts";

/**
 * Memory and CPU time of the programs that are started here, as the system limits them: ffmpeg is
 * refused more memory, and ends. docs/decisions/budget.md
 */

let current = budgetOf();

/** The budget that holds for all programs that this process starts; default: that of the default memory. */
export const currentBudget = (): Budget => current;

/** Sets the budget for all programs that are started from now on. A function has one, by its memory. */
export function setBudget(budget: Budget): void {
  current = budget;
}

/**
 * Of each thread of a program, in KB: at the usual 8 MB the stacks of ffmpeg 7's threads, several for
 * each track, would count as more memory than a whole split uses.
 */
const STACK_KB = 2_048;

const BYTES_PER_KB = 1_024;

/** After the signal that a program may catch. */
const SECONDS_TO_END = 2;

/** A limit that the system doesn't have, or has lower already, is left as it is. */
const limiting = (limit: string): string => `ulimit ${limit} 2>/dev/null`;

/**
 * The command line that runs a program under the limits. Not RLIMIT_AS: threads reserve addresses
 * that they never use. `cpuSeconds`: undefined for as many as it takes.
 */
export function limitedCommand(
  binary: string,
  args: readonly string[],
  cpuSeconds: number | undefined,
): { file: string; args: string[] } {
  const limits = [
    limiting("-c 0"),
    limiting(`-S -s ${STACK_KB}`),
    limiting(`-d ${Math.floor(current.programBytes / BYTES_PER_KB)}`),
    ...(cpuSeconds === undefined
      ? []
      : [limiting(`-S -t ${cpuSeconds}`), limiting(`-H -t ${cpuSeconds + SECONDS_TO_END}`)]),
  ];
  return { file: "/bin/sh", args: ["-c", `${limits.join("; ")}; exec "$@"`, "sh", binary, ...args] };
}
