import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world.ts";

/**
 * Intercepts deliveries to functions, as `Intercept` does requests to services: delivers once,
 * late, or twice. A duplicate has its own request id, so that its retries don't continue the first
 * one.
 */
export type InterceptDelivery = (
  delivery: { target: string; event: unknown; requestId: string },
  deliver: (requestId: string) => Promise<void>,
) => Promise<void>;

/**
 * The id of a duplicate delivery. The same after a restart of the stack, because Lambda too
 * continues what it has accepted.
 */
function doubleOf(requestId: string, which: string): string {
  const hex = createHash("sha256").update(`${requestId} ${which}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** A text that identifies an event and its function. */
function describe(target: string, event: unknown): string {
  const { "detail-type": type, detail } = event as {
    "detail-type": string;
    detail: { data?: { segment_index?: number } };
  };
  return `${target} ${type} ${detail.data?.segment_index ?? ""}`;
}

const isLast = (event: unknown): boolean =>
  ["VideoSplit", "VideoRejected"].includes((event as { "detail-type": string })["detail-type"]);

/**
 * Deliveries that are late, and so out of order; concurrent duplicates; and duplicates after the
 * end.
 */
export function faultyDeliveries(world: World): InterceptDelivery {
  return async ({ target, event, requestId }, handOver) => {
    const run = world.invoked(requestId, target, event);
    if (run === undefined || !world.enabled) return handOver(requestId);
    const deliver = async (id: string) => {
      await handOver(id);
      if (isLast(event)) world.ended(run);
    };
    const schedule = world.schedule(run);
    const what = describe(target, event);
    const faults = schedule.onDelivery(what);
    for (const fault of faults) world.options.report(run, fault);
    const lateness = schedule.lateness(what);
    const deliverDouble = (which: string) => {
      const id = doubleOf(requestId, which);
      world.invoked(id, target, event);
      return deliver(id);
    };
    if (faults.includes("delivery late")) await sleep(lateness);
    const isTwice = faults.includes("delivery duplicated");
    await Promise.all([deliver(requestId), ...(isTwice ? [deliverDouble("at once")] : [])]);
    if (!faults.includes("delivery again later")) return;
    await sleep(lateness);
    await deliverDouble("later");
  };
}
