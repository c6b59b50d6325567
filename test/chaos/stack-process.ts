import type { ServerResponse } from "node:http";
import { faultsOf, World } from "../../infra/local/faults/index.ts";
import type { Intercept } from "../../infra/local/front.ts";
import { openStack, type Stack } from "../../infra/local/stack.ts";
import { parseSettings } from "../../infra/settings.ts";
import { scheduleFor } from "./plan.ts";
import type { Answers, Asked, Question, StackOrder, Told } from "./protocol.ts";
import { runIn } from "./runs.ts";

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
const tell = (told: Told, then: () => void = () => {}): void => void process.send?.(told, then);

function onceConflicting(response: ServerResponse, then: () => void): void {
  const end = response.end.bind(response) as (chunk: unknown) => ServerResponse;
  response.end = ((chunk: unknown) => {
    if (String(chunk).includes("ConditionalCheckFailedException")) then();
    return end(chunk);
  }) as ServerResponse["end"];
}

/** Counts what isn't seen in what all comes to: segments that are stored, for work may be done twice, and writes that met another. */
const counted =
  (world: World, next: Intercept): Intercept =>
  (request, response, serve) =>
    next(request, response, () => {
      const run = world.runOf(String(request.headers["x-amzn-trace-id"] ?? ""));
      if (run !== undefined && request.method === "PUT") tell({ type: "stored", run });
      if (run !== undefined && String(request.headers["x-amz-target"]).startsWith("DynamoDB"))
        onceConflicting(response, () => tell({ type: "conflict" }));
      serve();
    });

async function open(): Promise<{ stack: Stack; world: World }> {
  const { plan, killed } = order;
  const world = new World({
    scheduleFor: (run) => scheduleFor(plan, run),
    runIn,
    report: (run, fault) => tell({ type: "fault", run, fault }),
    onFrozen: (pid) => tell({ type: "frozen", pid }),
    mayHappen: (run, fault) => fault !== "stack killed" || !killed.includes(run),
    // Not before what it has told is on its way.
    killStack: () => tell({ type: "dying" }, () => process.kill(process.pid, "SIGKILL")),
  });
  const { intercept, interceptDelivery } = faultsOf(world);
  const stack = await openStack({
    settings: parseSettings({ "video_split.concurrency": CONCURRENCY }),
    directory: order.directory,
    port: order.port,
    root: order.root,
    watch: false,
    timeoutSeconds: TIMEOUT_SECONDS,
    functionRetryMs: () => RETRY_MS,
    intercept: counted(world, intercept),
    interceptDelivery,
  });
  return { stack, world };
}

async function lettersOf({ topology, deadLetters }: Stack): Promise<string[]> {
  const letters = await Promise.all(Object.keys(topology.queues).map((queue) => deadLetters.read(queue)));
  return letters.flat().map((letter) => JSON.stringify(letter));
}

try {
  const { stack, world } = await open();
  const answers: { [Q in Question]: () => Promise<Answers[Q]> } = {
    idle: () => stack.idle().then(() => null),
    calm: async () => {
      world.enabled = false;
      return null;
    },
    events: () => Array.fromAsync(stack.bridge.log(stack.names.bus)),
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
