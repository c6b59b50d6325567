import { onTestFinished, vi } from "vitest";
import { powertoolsLog } from "../../../services/runtime/log.ts";
import { logContract } from "../../ports/log.suite.ts";

logContract("Powertools", () => {
  const written: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    const spy = vi.spyOn(stream, "write").mockImplementation((text) => written.push(String(text)) > 0);
    onTestFinished(() => spy.mockRestore());
  }
  const parsed = () => written.join("").split("\n").filter(Boolean);
  return { log: powertoolsLog("split"), lines: () => parsed().map((line) => JSON.parse(line)) };
});
