import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import type { Intercept } from "../../infra/local/front.ts";
import { childrenOf } from "../fixtures/processes.ts";
import { randomFrom } from "../fixtures/random.ts";

/**
 * What AWS does to its customers now and then, done more often: by a seed, to requests of the functions alone. "answer lost" is the worst of them:
 * the request was served, and the client doesn't know.
 */
export const KINDS = [
  "S3 is busy",
  "S3 body cut midway",
  "S3 answer lost",
  "DynamoDB throttles",
  "DynamoDB answer lost",
  "bus throttles",
  "bus refuses entries",
  "bus answer lost",
  "function killed before a request",
  "function killed after a request",
] as const;
export type Kind = (typeof KINDS)[number];

/** Requests out of a hundred that meet each. A split of a small video makes some thirty. */
const PERCENT: Record<Kind, number> = {
  "S3 is busy": 3,
  "S3 body cut midway": 3,
  "S3 answer lost": 2,
  "DynamoDB throttles": 2,
  "DynamoDB answer lost": 2,
  "bus throttles": 3,
  "bus refuses entries": 5,
  "bus answer lost": 3,
  "function killed before a request": 0.4,
  "function killed after a request": 0.4,
};

type ServiceName = "s3" | "dynamodb" | "bus";

const SERVICE_OF: Record<Exclude<Kind, `function ${string}`>, ServiceName> = {
  "S3 is busy": "s3",
  "S3 body cut midway": "s3",
  "S3 answer lost": "s3",
  "DynamoDB throttles": "dynamodb",
  "DynamoDB answer lost": "dynamodb",
  "bus throttles": "bus",
  "bus refuses entries": "bus",
  "bus answer lost": "bus",
};

function serviceOf({ headers }: IncomingMessage): ServiceName {
  const target = String(headers["x-amz-target"] ?? "");
  if (target.startsWith("DynamoDB")) return "dynamodb";
  return target.startsWith("AWSEvents") ? "bus" : "s3";
}

/** By its credentials the harness is told from the functions: what it asks is answered. */
export const HARNESS = "chaos-harness";

const isHarness = ({ headers }: IncomingMessage): boolean =>
  String(headers.authorization ?? "").includes(`=${HARNESS}/`);

/** Reads a request to its end, so that the client hears the answer. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  request.resume().once("end", () => response.writeHead(status, { "content-type": type }).end(body));
}

const awsJson = (code: string) => JSON.stringify({ __type: `com.amazonaws.chaos#${code}`, message: "chaos" });

/** The call succeeds, and none of its entries does: what PutEvents answers when it's short of something inside. */
async function refuseEntries(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { Entries = [] } = (await json(request)) as { Entries?: unknown[] };
  const refused = Entries.map(() => ({ ErrorCode: "InternalFailure", ErrorMessage: "chaos" }));
  const body = JSON.stringify({ FailedEntryCount: refused.length, Entries: refused });
  response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(body);
}

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

/** Cuts the connection after the first piece of the body. */
function cutBody(response: ServerResponse): void {
  const write = response.write.bind(response) as (chunk: unknown, ...rest: unknown[]) => boolean;
  response.write = ((chunk: Buffer, ...rest: unknown[]) => {
    write(chunk.subarray(0, Math.ceil(chunk.length / 2)), ...rest);
    setImmediate(() => response.destroy());
    return true;
  }) as ServerResponse["write"];
}

/** Whether one was found, and killed. The stack's only children that aren't npm's are the functions' processes. */
async function killAFunction(random: () => number): Promise<boolean> {
  const processes = await childrenOf(process.pid, "");
  const victim = processes[Math.floor(random() * processes.length)];
  try {
    return victim !== undefined && process.kill(victim, "SIGKILL");
  } catch {
    // It has ended by itself.
    return false;
  }
}

export type Faults = { intercept: Intercept; counts: Record<Kind, number>; enabled: boolean };

export function seededFaults(seed: number): Faults {
  const random = randomFrom(seed);
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;

  /** Drawn for every request in the same way, whatever comes of it. */
  const draw = (request: IncomingMessage): Kind | undefined => {
    const service = serviceOf(request);
    const dice = KINDS.map((kind) => ({ kind, hit: random() * 100 < PERCENT[kind] }));
    return dice.find(
      ({ kind, hit }) =>
        hit && (kind.startsWith("function") || SERVICE_OF[kind as keyof typeof SERVICE_OF] === service),
    )?.kind;
  };

  const kill = async (kind: Kind): Promise<void> => {
    if (await killAFunction(random)) counts[kind] += 1;
  };

  /** Answers a request, or breaks what answers it. */
  const inflictions: Record<Kind, (request: IncomingMessage, response: ServerResponse, serve: () => void) => void> = {
    "S3 is busy": (request, response) =>
      refuse(request, response, 503, "application/xml", "<Error><Code>SlowDown</Code><Message>chaos</Message></Error>"),
    "S3 body cut midway": (request, response, serve) => {
      if (request.method === "GET") cutBody(response);
      serve();
    },
    "S3 answer lost": (_request, response, serve) => {
      loseAnswer(response);
      serve();
    },
    "DynamoDB throttles": (request, response) => {
      const code = "ProvisionedThroughputExceededException";
      refuse(request, response, 400, "application/x-amz-json-1.0", awsJson(code));
    },
    "DynamoDB answer lost": (_request, response, serve) => {
      loseAnswer(response);
      serve();
    },
    "bus throttles": (request, response) =>
      refuse(request, response, 400, "application/x-amz-json-1.1", awsJson("ThrottlingException")),
    "bus refuses entries": (request, response) => void refuseEntries(request, response),
    "bus answer lost": (_request, response, serve) => {
      loseAnswer(response);
      serve();
    },
    "function killed before a request": (_request, _response, serve) => {
      void kill("function killed before a request").then(serve);
    },
    "function killed after a request": (_request, response, serve) => {
      response.once("close", () => void kill("function killed after a request"));
      serve();
    },
  };

  const faults: Faults = {
    counts,
    enabled: true,
    intercept: (request, response, serve) => {
      const kind = faults.enabled && !isHarness(request) ? draw(request) : undefined;
      if (kind === undefined) return serve();
      if (!kind.startsWith("function")) counts[kind] += 1;
      inflictions[kind](request, response, serve);
    },
  };
  return faults;
}
