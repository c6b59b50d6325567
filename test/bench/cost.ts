import { readFileSync } from "node:fs";

export type Cost = { wall: number; cpu: number };

const TICKS_A_SECOND = 100;

/** CPU seconds of this process and of its ended children. Node has no call for the children; the kernel's own account has both. */
function cpuSeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS_A_SECOND;
}

/** What `work` costs, its children included. */
export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const cpu = cpuSeconds();
  const wall = performance.now();
  await work();
  return { wall: (performance.now() - wall) / 1_000, cpu: cpuSeconds() - cpu };
}

export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

export const medianCost = (costs: Cost[]): Cost => ({
  wall: median(costs.map(({ wall }) => wall)),
  cpu: median(costs.map(({ cpu }) => cpu)),
});
