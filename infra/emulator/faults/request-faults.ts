import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { cutBody, loseAnswer, slowBody, stopBodyAfter } from "./bodies.ts";
import { childrenOf, ownerOfPort } from "./client-process.ts";
import type { RequestFault } from "./kinds.ts";
import type { Attempt, World } from "./world.ts";

/** A request that a fault happens to. */
type Faulty = {
  request: IncomingMessage;
  response: ServerResponse;
  /** Lets the service respond. */
  serve: () => void;
  /** Number of earlier requests of its kind. */
  nth: number;
  attempt: Attempt;
  world: World;
  /** The process that the fault affects; 0 for faults that affect none. */
  processId: number;
};

/** A request and its answer. */
type Exchange = Pick<Faulty, "request" | "response">;

/** Reads a request to its end, so that the client reads the response. */
function refuse({ request, response }: Exchange, status: number, type: string, body: string): void {
  request.resume().once("end", () => response.writeHead(status, { "content-type": type }).end(body));
}

const refuseByS3 = (exchange: Exchange, status: number, code: string): void =>
  refuse(exchange, status, "application/xml", `<Error><Code>${code}</Code><Message>chaos</Message></Error>`);

const refuseByAws = (exchange: Exchange, protocol: "1.0" | "1.1", code: string): void =>
  refuse(
    exchange,
    400,
    `application/x-amz-json-${protocol}`,
    JSON.stringify({ __type: `com.amazonaws.chaos#${code}`, message: "chaos" }),
  );

const SLOW_MS = 300;

/** A write of another function is delayed as long as a small split takes. */
const HELD_MS = 2_000;

/** Maximum delay of a projector's write, for the run's other events to overtake it. */
const MAX_HELD_MS = 4_000;

type Entry = Record<string, unknown>;

/**
 * The call succeeds, and every other entry fails: the response of PutEvents after an internal
 * failure. The other entries are put by a separate call.
 */
async function refuseEntries({ request, response, nth }: Faulty): Promise<void> {
  const { Entries = [] } = (await json(request)) as { Entries?: Entry[] };
  const isRefused = (index: number) => index % 2 === nth % 2 || Entries.length === 1;
  const { "x-amz-target": target = "", host = "" } = request.headers;
  const accepted = Entries.filter((_, index) => !isRefused(index));
  const results: Entry[] = [];
  if (accepted.length > 0) {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": String(target) };
    const body = JSON.stringify({ Entries: accepted });
    const answer = await fetch(`http://${host}/`, { method: "POST", headers, body }).catch(() => undefined);
    // The stack is being closed, and its clients too.
    if (answer === undefined) return void response.destroy();
    results.push(...((await answer.json()) as { Entries: Entry[] }).Entries);
  }
  const all = Entries.map((_, index) =>
    isRefused(index) ? { ErrorCode: "InternalFailure", ErrorMessage: "chaos" } : results.shift(),
  );
  const FailedEntryCount = all.filter((entry) => entry?.ErrorCode !== undefined).length;
  const body = JSON.stringify({ FailedEntryCount, Entries: all });
  response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(body);
}

/** The range of a GET, in bytes of the object, both included; undefined for all of it. */
export function rangeOf({ headers }: IncomingMessage): { start: number; end: number } | undefined {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
  return start === undefined ? undefined : { start: Number(start), end: Number(end) };
}

/** The middle of a GET's range: the first byte that isn't sent. */
function middleOf(request: IncomingMessage): number {
  const { start, end } = rangeOf(request) ?? { start: 0, end: 1 };
  return Math.ceil((start + end) / 2);
}

/** Sends what is before byte `first` of the object, and then fails. */
export function failFrom(first: number, { request, response, serve }: Exchange & Pick<Faulty, "serve">): void {
  const readable = first - (rangeOf(request)?.start ?? 0);
  // An error that the client doesn't retry, like the one for an expired token.
  if (readable <= 0) {
    refuseByS3({ request, response }, 400, "ExpiredToken");
    return;
  }
  stopBodyAfter(response, readable, () => response.destroy());
  serve();
}

/** Writes to the object that a request reads, before it is read. */
async function changeObject(faulty: Faulty, change: (url: string) => Promise<Response>): Promise<void> {
  const { request, response, serve } = faulty;
  const { host = "", url = "" } = { host: request.headers.host, url: request.url };
  const answer = await change(`http://${host}${url.split("?")[0]}`).catch(() => undefined);
  // The stack is being closed.
  if (answer === undefined) return void response.destroy();
  if (!answer.ok) throw new Error(`The local S3 answered ${answer.status} to ${url}`);
  serve();
}

async function overwrite(faulty: Faulty): Promise<void> {
  const { body, metadata } = await faulty.world.options.replacement(faulty.attempt.run);
  const headers = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]));
  await changeObject(faulty, (url) => fetch(url, { method: "PUT", headers, body: new Uint8Array(body) }));
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const afterAnswer = (response: ServerResponse, then: () => void): void => void response.once("close", then);

function answerNothing({ response, serve }: Faulty): void {
  loseAnswer(response);
  serve();
}

/** The effect of each fault on a request. */
export const REQUEST_FAULT_ACTIONS: Record<RequestFault, (faulty: Faulty) => void | Promise<void>> = {
  "S3 is busy": (faulty) => refuseByS3(faulty, 503, "SlowDown"),
  "S3 body is slow": ({ response, serve }) => {
    slowBody(response);
    serve();
  },
  "S3 body cut midway": ({ response, serve }) => {
    cutBody(response);
    serve();
  },
  "S3 fails in mid-read": (faulty) => {
    const first = middleOf(faulty.request);
    faulty.world.unreadableFrom.set(faulty.attempt.id, first);
    failFrom(first, faulty);
  },
  "S3 body stalls": ({ request, response, serve }) => {
    stopBodyAfter(response, middleOf(request) - (rangeOf(request)?.start ?? 0));
    serve();
  },
  "S3 object overwritten": overwrite,
  "S3 object deleted": (faulty) => changeObject(faulty, (url) => fetch(url, { method: "DELETE" })),
  "S3 finds a wrong checksum": (faulty) => refuseByS3(faulty, 400, "BadDigest"),
  "S3 answer lost": answerNothing,
  "DynamoDB throttles": (faulty) => refuseByAws(faulty, "1.0", "ProvisionedThroughputExceededException"),
  "DynamoDB is slow": async ({ serve }) => {
    await sleep(SLOW_MS);
    serve();
  },
  // The data that was read before is then outdated.
  "DynamoDB write overtaken": async ({ attempt, world, serve }) => {
    if (attempt.functionName === "projector") await Promise.race([world.whenEnded(attempt.run), sleep(MAX_HELD_MS)]);
    else await sleep(HELD_MS);
    serve();
  },
  "DynamoDB answer lost": answerNothing,
  "bus throttles": (faulty) => refuseByAws(faulty, "1.1", "ThrottlingException"),
  "bus refuses entries": refuseEntries,
  "bus answer lost": answerNothing,
  // The client must stop by itself.
  "request never answered": ({ request }) => void request.resume(),
  "ffmpeg killed": ({ processId, serve }) => {
    signalTo(processId, "SIGKILL");
    serve();
  },
  "function killed before a request": ({ processId }) => signalTo(processId, "SIGKILL"),
  "function killed after a request": (faulty) => {
    afterAnswer(faulty.response, () => signalTo(faulty.processId, "SIGKILL"));
    answerNothing(faulty);
  },
  "function killed after its answer": ({ response, serve, nth, processId }) => {
    afterAnswer(response, () => setTimeout(signalTo, 5 * (nth % 5), processId, "SIGKILL"));
    serve();
  },
  "function frozen until its timeout": ({ serve, world, processId }) => {
    world.options.onFrozen(processId);
    signalTo(processId, "SIGSTOP");
    serve();
  },
  "stack killed": ({ response, serve, nth, world }) => {
    const { killStack } = world.options;
    if (nth % 2 === 0) return killStack();
    afterAnswer(response, killStack);
    serve();
  },
};

/** The function's process that made a request; undefined where it has ended. */
async function functionOf({ socket }: IncomingMessage): Promise<number | undefined> {
  const { remotePort } = socket;
  return remotePort === undefined ? undefined : ownerOfPort(remotePort, await childrenOf(process.pid, ""));
}

/** An ffmpeg or ffprobe of the function that made a request; undefined where none runs. */
async function mediaProcessOf(request: IncomingMessage, nth: number): Promise<number | undefined> {
  const parent = await functionOf(request);
  const children = parent === undefined ? [] : await childrenOf(parent, "ff");
  return children[nth % children.length];
}

type FindProcess = (request: IncomingMessage, nth: number) => Promise<number | undefined>;

/** Finds the process that a fault affects. Without one the fault doesn't happen. */
export const FIND_PROCESS: Partial<Record<RequestFault, FindProcess>> = {
  "ffmpeg killed": mediaProcessOf,
  "function killed before a request": functionOf,
  "function killed after a request": functionOf,
  "function killed after its answer": functionOf,
  "function frozen until its timeout": functionOf,
};
