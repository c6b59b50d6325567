import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

/** One project per kind of test, so that each can be run alone: `npx vitest run --project unit`. */
export default defineConfig({
  test: {
    tags: [
      {
        name: "full",
        description: "More of what another test has one case of: left out by npm test, run by npm run test:full.",
      },
    ],
    // Tests share no state in modules. With modules of its own, each file would take a second more
    // to load them.
    isolate: false,
    // Node loads the modules, as it does outside of tests: that takes less time than Vite's transforms.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    // Many tests wait: for a lease to end, for a process to end. With a worker for each core,
    // cores would idle.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongestFirst },
    projects: [
      // Threads begin sooner than processes, which is much of the time of so many small files.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 30_000, pool: "threads" } },
      { test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 30_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/emulator/**/*.test.ts"],
          globalSetup: ["test/setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "infra",
          include: ["test/infra/**/*.test.ts"],
          globalSetup: ["test/infra/setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
