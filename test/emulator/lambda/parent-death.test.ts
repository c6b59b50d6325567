import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { openGate } from "./gate.ts";
import { fixture, openTestLambda } from "./local-lambda.ts";
import { isRunning } from "./processes.ts";

/** Starts a local Lambda in a process of its own, and kills that when its function has reported to the gate. */
async function killDuring(handler: string): Promise<{ directory: string; report: Record<string, unknown> }> {
  const gate = await openGate();
  const directory = await temporaryFolder();
  const script = join(import.meta.dirname, "parent.ts");
  const path = `test/fixtures/functions/${handler}`;
  const parent = spawn(process.execPath, [script, path, PROJECT_ROOT, directory, gate.url], { stdio: "inherit" });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const { report, letGo } = await gate.next();
  expect(await isRunning(report.pid)).toBe(true);
  expect(await isRunning(report.grandchild)).toBe(true);
  if (handler.endsWith("Spins")) letGo();
  parent.kill("SIGKILL");
  await once(parent, "exit");
  return { directory, report };
}

describe("given a local stack that is killed during an invocation", () => {
  it.each([
    ["waits", "gate.startsProcess"],
    ["spins and can't receive anything", "gate.startsProcessAndSpins"],
  ])("when the handler %s, then it goes too, with the process that it started", async (_how, handler) => {
    const { report } = await killDuring(handler);
    await vi.waitFor(async () => {
      expect(await isRunning(report.pid)).toBe(false);
      expect(await isRunning(report.grandchild)).toBe(false);
    }, 30_000);
  });

  it("when another is opened in its folder, then the files that it left are removed", async () => {
    const { directory, report } = await killDuring("gate.startsProcess");
    await vi.waitFor(async () => expect(await isRunning(report.pid)).toBe(false), 30_000);
    const left = await readdir(directory);
    expect(left).toHaveLength(1);
    const lambda = await openTestLambda([fixture("result.echo")], { directory });
    const found = await readdir(directory);
    expect(found).toHaveLength(1);
    expect(found).not.toEqual(left);
    expect(await lambda.invoke("tested", 1)).toEqual({ result: { event: 1 } });
  });

  it("when another is open in the same folder, then they don't affect each other", async () => {
    const directory = await temporaryFolder();
    const one = await openTestLambda([fixture("result.echo")], { directory });
    const two = await openTestLambda([fixture("result.echo")], { directory });
    await two.close();
    expect(await one.invoke("tested", 1)).toEqual({ result: { event: 1 } });
  });
});
