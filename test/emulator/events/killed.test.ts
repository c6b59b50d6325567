import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { all, openBridge, target } from "./bridge.ts";

const SCRIPT = fileURLToPath(new URL("acknowledged-events.ts", import.meta.url));

it("given a kill -9, then each acknowledged event is in the log and gets delivered", async () => {
  const directory = await temporaryFolder();
  const ids = { acknowledged: new Set<string>(), delivered: new Set<string>() };
  const child = spawn(process.execPath, [SCRIPT, directory], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");
  for await (const line of createInterface(child.stdout)) {
    const [what, id] = line.split(" ") as ["acknowledged" | "delivered", string];
    ids[what].add(id);
    if (ids.acknowledged.size === 500) child.kill("SIGKILL");
  }
  await exited;
  expect(ids.acknowledged.size).toBeGreaterThanOrEqual(500);

  const rules = [{ name: "a", bus: "video", pattern: { source: ["test"] }, targets: [target("one")] }];
  const { bridge, received } = await openBridge({ directory, rules });
  await bridge.idle();
  const logged = new Set((await all(bridge.log("video"))).map(({ id }) => id));
  expect([...ids.acknowledged].filter((id) => !logged.has(id))).toEqual([]);
  for (const { event } of received) ids.delivered.add(event.id);
  expect([...logged].filter((id) => !ids.delivered.has(id))).toEqual([]);
});
