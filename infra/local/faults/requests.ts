import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Intercept } from "../front.ts";
import { childrenOf, ownerOfPort } from "./client-process.ts";
import type { Request, RequestFault, Service } from "./schedule.ts";
import type { World, WorldOptions } from "./world.ts";

/** Which service and operation a request is for. */
function operationOf({ headers, method = "" }: IncomingMessage): Pick<Request, "service" | "operation"> {
  const [service = "", operation = ""] = String(headers["x-amz-target"] ?? "").split(".");
  const named: [string, Service][] = [
    ["DynamoDB", "dynamodb"],
    ["AWSEvents", "bus"],
  ];
  const found = named.find(([prefix]) => service.startsWith(prefix));
  return found === undefined ? { service: "s3", operation: method } : { service: found[1], operation };
}

/** Reads a request to its end, so that the client hears the answer. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  request.resume().once("end", () => response.writeHead(status, { "content-type": type }).end(body));
}

const xml = (code: string) => `<Error><Code>${code}</Code><Message>chaos</Message></Error>`;
const awsJson = (code: string) => JSON.stringify({ __type: `com.amazonaws.chaos#${code}`, message: "chaos" });

/** Lets the service do its work and answer into nothing. */
function loseAnswer(response: ServerResponse): void {
  const breakOff = () => response.destroy();
  response.writeHead = (() => response) as ServerResponse["writeHead"];
  response.write = (() => true) as ServerResponse["write"];
  response.end = (() => {
    breakOff();
    return response;
  }) as ServerResponse["end"];
}

/** Cuts the connection within the first piece of the body: what came is a prefix of it, as on any connection. */
function cutBody(response: ServerResponse): void {
  const write = response.write.bind(response) as (chunk: unknown, ...rest: unknown[]) => boolean;
  let isCut = false;
  response.write = ((chunk: Buffer, ...rest: unknown[]) => {
    if (!isCut) write(chunk.subarray(0, Math.ceil(chunk.length / 2)), ...rest);
    isCut = true;
    setImmediate(() => response.destroy());
    return true;
  }) as ServerResponse["write"];
}

const SLOW_MS = 300;

/** As long as a small split takes, so that all of its other events are heard of meanwhile. */
const OVERTAKEN_MS = 2_000;

/** Lets each piece of the body wait. */
function slowBody(response: ServerResponse): void {
  const write = response.write.bind(response) as (chunk: unknown) => boolean;
  const end = response.end.bind(response) as (chunk: unknown) => ServerResponse;
  let before: Promise<unknown> = Promise.resolve();
  const later = (work: () => unknown) => {
    before = before.then(() => sleep(SLOW_MS)).then(work);
  };
  response.write = ((chunk: unknown) => {
    later(() => write(chunk));
    return true;
  }) as ServerResponse["write"];
  response.end = ((chunk: unknown) => {
    later(() => end(chunk));
    return response;
  }) as ServerResponse["end"];
}

type Entry = Record<string, unknown>;

/**
 * The call succeeds, and every other entry doesn't: what PutEvents answers when it's short of something inside. The others are put by a
 * call of the harness's own.
 */
async function refuseEntries(request: IncomingMessage, response: ServerResponse, parity: number): Promise<void> {
  const { Entries = [] } = (await json(request)) as { Entries?: Entry[] };
  const isRefused = (index: number) => index % 2 === parity || Entries.length === 1;
  const { "x-amz-target": target = "", host = "" } = request.headers;
  const accepted = Entries.filter((_, index) => !isRefused(index));
  const results: Entry[] = [];
  if (accepted.length > 0) {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": String(target) };
    const body = JSON.stringify({ Entries: accepted });
    const answer = await fetch(`http://${host}/`, { method: "POST", headers, body }).catch(() => undefined);
    // The stack is being closed: its clients go as well.
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

/** The process of the function that made a request, while it's there. */
async function processOf({ socket }: IncomingMessage): Promise<number | undefined> {
  const { remotePort } = socket;
  return remotePort === undefined ? undefined : ownerOfPort(remotePort, await childrenOf(process.pid, ""));
}

function signalTo(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

type Inflict = (
  request: IncomingMessage,
  response: ServerResponse,
  serve: () => void,
  nth: number,
  options: WorldOptions,
) => void | Promise<void>;

const afterAnswer = (response: ServerResponse, then: () => void): void => void response.once("close", then);

const INFLICTIONS: Record<RequestFault, Inflict> = {
  "S3 is busy": (request, response) => refuse(request, response, 503, "application/xml", xml("SlowDown")),
  "S3 body is slow": (_request, response, serve) => {
    slowBody(response);
    serve();
  },
  "S3 body cut midway": (_request, response, serve) => {
    cutBody(response);
    serve();
  },
  "S3 finds a wrong checksum": (request, response) =>
    refuse(request, response, 400, "application/xml", xml("BadDigest")),
  "S3 answer lost": (_request, response, serve) => {
    loseAnswer(response);
    serve();
  },
  "DynamoDB throttles": (request, response) =>
    refuse(request, response, 400, "application/x-amz-json-1.0", awsJson("ProvisionedThroughputExceededException")),
  "DynamoDB is slow": async (_request, _response, serve) => {
    await sleep(SLOW_MS);
    serve();
  },
  // What was read before it is old by then.
  "DynamoDB write overtaken": async (_request, _response, serve) => {
    await sleep(OVERTAKEN_MS);
    serve();
  },
  "DynamoDB answer lost": (_request, response, serve) => {
    loseAnswer(response);
    serve();
  },
  "bus throttles": (request, response) =>
    refuse(request, response, 400, "application/x-amz-json-1.1", awsJson("ThrottlingException")),
  "bus refuses entries": (request, response, _serve, nth) => refuseEntries(request, response, nth % 2),
  "bus answer lost": (_request, response, serve) => {
    loseAnswer(response);
    serve();
  },
  // The client must give up by itself.
  "request never answered": (request) => void request.resume(),
  "function killed before a request": async (request) => signalTo(await processOf(request), "SIGKILL"),
  "function killed after a request": async (request, response, serve) => {
    const pid = await processOf(request);
    loseAnswer(response);
    afterAnswer(response, () => signalTo(pid, "SIGKILL"));
    serve();
  },
  "function killed after its answer": async (request, response, serve, nth) => {
    const pid = await processOf(request);
    afterAnswer(response, () => setTimeout(signalTo, 5 * (nth % 5), pid, "SIGKILL"));
    serve();
  },
  "function frozen until its timeout": async (request, _response, serve, _nth, { onFrozen }) => {
    const pid = await processOf(request);
    if (pid !== undefined) onFrozen(pid);
    signalTo(pid, "SIGSTOP");
    serve();
  },
  "stack killed": (_request, response, serve, nth, { killStack }) => {
    if (nth % 2 === 0) return killStack();
    afterAnswer(response, killStack);
    serve();
  },
};

/** Breaks requests of the functions by their run's schedule. Those of nobody's invocation, the harness's own, are answered. */
export function faultyRequests(world: World): Intercept {
  const { options } = world;
  return (request, response, serve) => {
    const run = world.runOf(String(request.headers["x-amzn-trace-id"] ?? ""));
    if (run === undefined || !world.enabled) return serve();
    const asked = operationOf(request);
    const nth = world.count(run, `${asked.service} ${asked.operation}`);
    const place = world.count(run, "all");
    const fault = world.schedule(run).onRequest({ ...asked, nth, place });
    if (fault === undefined || !options.mayHappen(run, fault)) return serve();
    options.report(run, fault);
    void INFLICTIONS[fault](request, response, serve, nth, options);
  };
}
