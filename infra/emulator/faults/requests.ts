import type { IncomingMessage } from "node:http";
import type { Intercept } from "../front.ts";
import { kindOf, type Service } from "./kinds.ts";
import { FIND_PROCESS, failFrom, REQUEST_FAULT_ACTIONS, rangeOf } from "./request-faults.ts";
import type { Request } from "./schedule.ts";
import type { World } from "./world.ts";

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

/** A GET of this many bytes reads more than a header or a table of contents. */
const LARGE_BYTES = 64 * 1024;

/** A GET without a range reads everything. */
function requestedOf(request: IncomingMessage): { bytes: number; end: number } {
  if (request.method !== "GET") return { bytes: 0, end: 0 };
  const { start, end } = rangeOf(request) ?? { start: 0, end: Number.POSITIVE_INFINITY };
  return { bytes: end - start + 1, end };
}

/** Injects faults into requests of functions by their run's schedule. Other requests are served. */
export function faultyRequests(world: World): Intercept {
  const { options } = world;
  return async (request, response, serve) => {
    const attempt = world.attemptOf(String(request.headers["x-amzn-trace-id"] ?? ""));
    if (attempt === undefined || !world.enabled) return serve();
    const { run, functionName: from } = attempt;
    const { service, operation } = operationOf(request);
    const { bytes, end } = requestedOf(request);
    const nth = world.count(`${run} ${from} ${service} ${operation}`);
    const place = world.count(`${run} all`);
    const large =
      bytes < LARGE_BYTES
        ? undefined
        : { nth: world.count(`${run} large`), nthOfAttempt: world.count(`${attempt.id} large`) };

    const unreadableFrom = world.unreadableFrom.get(attempt.id);
    if (unreadableFrom !== undefined && end >= unreadableFrom)
      return failFrom(unreadableFrom, { request, response, serve });

    const schedule = world.schedule(run);
    const fault = schedule.onRequest({ service, operation, from, nth, place, large });
    if (fault === undefined || !options.mayHappen(run, fault)) return serve();
    const isLimited = kindOf(fault).once && !schedule.repeats;
    if (isLimited && world.count(`${attempt.invocation} ${fault}`) > 0) return serve();
    const findProcess = FIND_PROCESS[fault];
    const processId = findProcess === undefined ? 0 : await findProcess(request, nth);
    if (processId === undefined) return serve();
    options.report(run, fault);
    await REQUEST_FAULT_ACTIONS[fault]({ request, response, serve, nth, attempt, world, processId });
  };
}
