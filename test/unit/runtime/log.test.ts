import { Logger } from "@aws-lambda-powertools/logger";
import { expect, it, onTestFinished, vi } from "vitest";
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

it("given a log with fields, then no logger is made for it: that takes longer than a line", () => {
  const child = vi.spyOn(Logger.prototype, "createChild");
  onTestFinished(() => child.mockRestore());
  powertoolsLog("split").with({ request_id: "r" }).with({ video_id: 7 });
  expect(child).not.toHaveBeenCalled();
});
