import type { ServerResponse } from "node:http";
import { faultsOf, World } from "../../infra/emulator/faults/index.ts";
import type { Intercept } from "../../infra/emulator/front.ts";
import { openStack, type Stack } from "../../infra/local/stack.ts";
import { parseSettings } from "../../infra/settings.ts";
import { type Plan, scheduleFor } from "./plan.ts";
import { type Answers, type Message, onceKey, type Question, type StackOrder, type StackRequest } from "./protocol.ts";
import { bytesOf, runIn, videoOf } from "./videos.ts";

/**
 * A stack in a process of its own, so that it can be killed with -9. Started by stack-host.ts.
 */

/** Splits at the same time. Many of them wait: for a timeout, a retry, an event. */
const CONCURRENCY = 6;

/** Invocations of each other function: what a new AWS account has. Writes of the projector meet. */
const OTHERS_CONCURRENCY = 10;

/** Of every function, instead of 15 minutes. A split of a small video takes two seconds on a busy machine. */
const TIMEOUT_SECONDS = 20;

/**
 * Long enough for a service that aborts a stalled read after 15 seconds and needs 5 seconds to
 * clean up.
 */
const STALLS_TIMEOUT_SECONDS = 45;

/**
 * Where videos are divided into ranges: with 5 seconds for cleaning up, 8 are left, and S3 takes one
 * for each segment. So the first segment shows that twelve take too long.
 */
const RANGES_TIMEOUT_SECONDS = 13;
const RANGES_UPLOAD_MS = 1_000;

/** Before each of Lambda's retries, instead of 1 and 2 minutes. */
const RETRY_MS = 50;

// Its parent has ended, or has received the last message.
process.once("disconnect", () => process.exit());

const order = JSON.parse(process.argv[2] ?? "") as StackOrder;
const send = (message: Message, then: () => void = () => {}): void => void process.send?.(message, then);

function onceConflicting(response: ServerResponse, then: () => void): void {
  const end = response.end.bind(response) as (chunk: unknown) => ServerResponse;
  response.end = ((chunk: unknown) => {
    if (String(chunk).includes("ConditionalCheckFailedException")) then();
    return end(chunk);
  }) as ServerResponse["end"];
}

/** Counts what documents and events don't show: stored segments, since work may be done twice, and refused writes. */
const counted =
  (world: World, next: Intercept): Intercept =>
  (request, response, serve) =>
    next(request, response, () => {
      const attempt = world.attemptOf(String(request.headers["x-amzn-trace-id"] ?? ""));
      if (attempt !== undefined && request.method === "PUT") send({ type: "stored", run: attempt.run });
      if (attempt !== undefined && String(request.headers["x-amz-target"]).startsWith("DynamoDB"))
        onceConflicting(response, () => send({ type: "conflict" }));
      serve();
    });

/** S3 takes its time for each segment. */
const slow =
  (next: Intercept): Intercept =>
  (request, response, serve) =>
    next(request, response, () => {
      if (request.method === "PUT" && request.url?.includes("-segments/")) setTimeout(serve, RANGES_UPLOAD_MS);
      else serve();
    });

const canStall = (plan: Plan): boolean => plan.kind === "series" && plan.series === "sources";

async function open(): Promise<{ stack: Stack; world: World }> {
  const { plan, videos, isRanged } = order;
  const past = new Set(order.past);
  const world = new World({
    scheduleFor: (run) => scheduleFor(plan, run),
    runIn,
    report: (run, fault) => {
      const key = onceKey(run, fault);
      if (key !== undefined) past.add(key);
      send({ type: "fault", run, fault });
    },
    onFrozen: (pid) => send({ type: "frozen", pid }),
    mayHappen: (run, fault) => !past.has(onceKey(run, fault) ?? ""),
    replacement: async (run) => {
      const { replacement } = videos[videoOf(run)]!;
      return { body: await bytesOf(replacement), metadata: replacement.metadata };
    },
    // Not before its messages are sent.
    killStack: () => send({ type: "killing" }, () => process.kill(process.pid, "SIGKILL")),
  });
  const { intercept, interceptDelivery } = faultsOf(world);
  const stack = await openStack({
    settings: parseSettings({ "video_split.concurrency": CONCURRENCY, "poster.enabled": false }),
    directory: order.directory,
    port: order.port,
    root: order.root,
    watch: false,
    concurrency: OTHERS_CONCURRENCY,
    timeoutSeconds: isRanged ? RANGES_TIMEOUT_SECONDS : canStall(plan) ? STALLS_TIMEOUT_SECONDS : TIMEOUT_SECONDS,
    functionRetryMs: () => RETRY_MS,
    intercept: counted(world, isRanged ? slow(intercept) : intercept),
    interceptDelivery,
  });
  return { stack, world };
}

async function deadLettersOf({ topology, deadLetters }: Stack): Promise<string[]> {
  const all = await Promise.all(Object.keys(topology.queues).map((queue) => deadLetters.read(queue)));
  return all.flat().map((deadLetter) => JSON.stringify(deadLetter));
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
    deadLetters: () => deadLettersOf(stack),
    close: () => stack.close().then(() => null),
  };
  process.on("message", async ({ id, question }: StackRequest) => {
    send({ type: "answer", id, answer: await answers[question]() });
    if (question === "close") process.disconnect();
  });
  const { uploads, segments, videos, bus, archive } = stack.names;
  const names = { uploads, segments, videos, bus, archive };
  send({ type: "ready", endpoint: stack.endpoint, region: stack.region, names });
} catch (error) {
  send({ type: "failed", message: String(error) });
  process.disconnect();
}
