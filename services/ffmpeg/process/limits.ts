import { type Budget, budgetOf } from "../../split/domain/budget.ts";

/**
 * Memory and CPU limits of the started programs, set by the operating system: ffmpeg's allocations
 * fail, and it exits. docs/decisions/budget.md
 */

let current = budgetOf();

/**
 * The budget of all programs that this process starts. Default: that of the default memory size.
 */
export const currentBudget = (): Budget => current;

/**
 * Sets the budget of all programs started from now on. A function's budget follows from its memory.
 */
export function setBudget(budget: Budget): void {
  current = budget;
}

/**
 * Stack of each thread, in KB. With the usual 8 MB, the stacks of ffmpeg 7's threads, several per
 * track, would count as more memory than a whole split uses.
 */
const STACK_KB = 2_048;

const BYTES_PER_KB = 1_024;

/** Time that a program gets to end after SIGXCPU, which it may catch. */
const SECONDS_TO_END = 2;

/** A limit that the system doesn't support, or already has set lower, isn't changed. */
const limiting = (limit: string): string => `ulimit ${limit} 2>/dev/null`;

/**
 * The command line that runs a program with the limits. RLIMIT_AS isn't used: threads reserve
 * address space that they never use. `cpuSeconds`: undefined for no limit.
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
