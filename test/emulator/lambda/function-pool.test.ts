import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bundleRuntime } from "../../../infra/emulator/lambda/bundle-runtime.ts";
import { openCode } from "../../../infra/emulator/lambda/code.ts";
import { type FunctionPool, openPool } from "../../../infra/emulator/lambda/function-pool.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { bundle } from "../../../infra/packaging/bundle.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { fixture } from "./local-lambda.ts";
import { isRunning } from "./processes.ts";

async function openTestPool(handler: string, retireAfterMs: number): Promise<FunctionPool> {
  const folder = await temporaryFolder();
  const spec = fixture(handler);
  const directory = join(folder, "tested");
  await mkdir(directory);
  const code = await openCode({
    handler: spec.handler,
    bundle,
    root: PROJECT_ROOT,
    directory,
    watch: false,
    onBuildError: () => {},
  });
  const runtimeFile = await bundleRuntime(join(folder, "runtime"));
  const pool = openPool(code, { spec, runtimeFile, directory, region: "eu-west-1", onLog: () => {}, retireAfterMs });
  onTestFinished(() => pool.close());
  return pool;
}

const run = async (pool: FunctionPool): Promise<{ runs: number; pid: number }> => {
  const outcome = await pool.run({ requestId: "request-1", payload: "{}" });
  if ("error" in outcome) throw new Error(outcome.error.errorMessage);
  return JSON.parse(outcome.payload);
};

describe("given a warm environment", () => {
  it("when it isn't used for a while, then it is retired and the next invocation has a new one", async () => {
    const pool = await openTestPool("result.count", 50);
    const { pid } = await run(pool);
    await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false), 30_000);
    expect(await run(pool)).toMatchObject({ runs: 1 });
  });

  it("when its process ends meanwhile, then the next invocation has a new one", async () => {
    const pool = await openTestPool("result.count", 600_000);
    const { pid } = await run(pool);
    process.kill(pid, "SIGKILL");
    // Not a zombie either: only when it was reaped does the pool know.
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 30_000);
    expect(await run(pool)).toMatchObject({ runs: 1 });
  });
});

describe("given a handler's process that has left its group", () => {
  it("when the environment ends, then that isn't held up by it", async () => {
    const pool = await openTestPool("gate.startsDaemon", 600_000);
    const outcome = await pool.run({ requestId: "request-1", payload: "{}" });
    const daemon = Number((outcome as { payload: string }).payload);
    onTestFinished(() => void process.kill(daemon, "SIGKILL"));
    await pool.close();
    expect(await isRunning(daemon)).toBe(true);
  });
});
