/**
 * A process to be killed: puts events until then, and prints what the bus acknowledged and what was
 * delivered.
 */
import { writeSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { openEventBridge } from "../../../infra/emulator/events/index.ts";

const [directory = ""] = process.argv.slice(2);
const print = (what: string, id: string): void => void writeSync(1, `${what} ${id}\n`);

const bridge = await openEventBridge({
  directory,
  region: "eu-west-1",
  account: "000000000000",
  buses: ["video"],
  rules: [
    {
      name: "a",
      bus: "video",
      pattern: { source: ["test"] },
      targets: [
        {
          id: "one",
          arn: "arn:aws:lambda:eu-west-1:000000000000:function:one",
          retry: { attempts: 185, maxAgeSeconds: 86_400 },
        },
      ],
    },
  ],
  archives: [],
  deliver: async (_, event) => {
    await breathe();
    print("delivered", (event as { id: string }).id);
  },
  sendDeadLetter: async () => {},
});

for (let n = 0; ; n++) {
  const id = `event-${n}`;
  await bridge.put("video", [
    {
      version: "0",
      id,
      "detail-type": "Made",
      source: "test",
      account: "000000000000",
      time: "2026-01-02T03:04:05Z",
      region: "eu-west-1",
      resources: [],
      detail: { n },
    },
  ]);
  print("acknowledged", id);
  if (n % 10 === 0) await breathe();
}
