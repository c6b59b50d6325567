import type { Intercept } from "../../infra/local/front.ts";
import { openStack, type Stack } from "../../infra/local/stack.ts";
import { parseSettings } from "../../infra/settings.ts";
import { faultyDeliveries } from "./deliveries.ts";
import type { Answers, Asked, Question, StackOrder, Told } from "./protocol.ts";
import { faultyRequests } from "./requests.ts";
import { World } from "./world.ts";

/**
 * A stack in a process of its own, so that it can be killed with -9. Started by stack-host.ts.
 */

/** Splits at the same time. */
const CONCURRENCY = 6;

/** Of every function. A split of a small video takes two seconds on a busy machine; 15 minutes nobody can wait for. */
const TIMEOUT_SECONDS = 20;

/** What AWS takes 1 and 2 minutes for. */
const RETRY_MS = 50;

// Whoever started it is gone, or has heard the last of it.
process.once("disconnect", () => process.exit());

const order = JSON.parse(process.argv[2] ?? "") as StackOrder;
const tell = (told: Told): void => void process.send?.(told);

/** Counts what is stored: work that's done twice isn't seen in what it comes to. */
const counted =
  (world: World, next: Intercept): Intercept =>
  (request, response, serve) =>
    next(request, response, () => {
      const run = world.runOf(String(request.headers["x-amzn-trace-id"] ?? ""));
      if (run !== undefined && request.method === "PUT") tell({ type: "stored", run });
      serve();
    });

async function open(): Promise<{ stack: Stack; world: World }> {
  const { seed = 0, killed } = order;
  const world = new World({ seed, killed, report: (run, fault) => tell({ type: "fault", run, fault }) });
  world.enabled = order.seed !== undefined;
  const stack = await openStack({
    settings: parseSettings({ "video_split.concurrency": CONCURRENCY }),
    directory: order.directory,
    port: order.port,
    root: order.root,
    watch: false,
    timeoutSeconds: TIMEOUT_SECONDS,
    functionRetryMs: () => RETRY_MS,
    intercept: counted(world, faultyRequests(world)),
    interceptDelivery: faultyDeliveries(world),
  });
  return { stack, world };
}

async function lettersOf({ topology, deadLetters }: Stack): Promise<string[]> {
  const letters = await Promise.all(Object.keys(topology.queues).map((queue) => deadLetters.read(queue)));
  return letters.flat().map((letter) => JSON.stringify(letter));
}

async function eventsOf({ bridge, names }: Stack): Promise<Answers["events"]> {
  const events: Answers["events"] = [];
  for await (const event of bridge.log(names.bus)) events.push(event);
  return events;
}

try {
  const { stack, world } = await open();
  const answers: { [Q in Question]: () => Promise<Answers[Q]> } = {
    idle: () => stack.idle().then(() => null),
    calm: async () => {
      world.enabled = false;
      return null;
    },
    events: () => eventsOf(stack),
    letters: () => lettersOf(stack),
    close: () => stack.close().then(() => null),
  };
  process.on("message", async ({ id, question }: Asked) => {
    tell({ type: "answer", id, answer: await answers[question]() });
    if (question === "close") process.disconnect();
  });
  const { uploads, segments, videos, bus, archive } = stack.names;
  const names = { uploads, segments, videos, bus, archive };
  tell({ type: "ready", endpoint: stack.endpoint, region: stack.region, names });
} catch (error) {
  tell({ type: "failed", message: String(error) });
  process.disconnect();
}
