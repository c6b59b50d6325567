import { availableParallelism } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import type { TestProject } from "vitest/node";
import { STAGES } from "./stages.ts";
import type { Synthesis } from "./synth/contract.ts";
import { synthesise } from "./synth/index.ts";
import { ensurePlatform } from "./synth/platform.ts";
import { bundleProgram, type Program, removeProgram } from "./synth/program.ts";

declare module "vitest" {
  export interface ProvidedContext {
    program: Program;
    /** The synthesis of each of STAGES, by its name. */
    syntheses: Record<string, Synthesis>;
    /** The synthesis of another app, which subscribes to this one. */
    consumer: Synthesis;
  }
}

/**
 * Bundles the program once for all of the project's files. Its name contains the process id, so
 * that two runs don't use the same file.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await ensurePlatform();
  const program = await bundleProgram(`synth.${process.pid}`);
  const consumer = await bundleProgram(`consumer.${process.pid}`, join(import.meta.dirname, "consumer/sst.config.ts"));
  const remove = async () => void (await Promise.all([program, consumer].map(removeProgram)));
  try {
    // No test runs before this ends: all cores are free.
    const limit = pLimit(availableParallelism());
    const each = STAGES.map((stage) => limit(async () => [stage.stage, await synthesise(program, stage)] as const));
    project.provide("program", program);
    project.provide("syntheses", Object.fromEntries(await Promise.all(each)));
    project.provide("consumer", await synthesise(consumer, { stage: "dev", settings: {} }));
    return remove;
  } catch (error) {
    await remove();
    throw error;
  }
}
