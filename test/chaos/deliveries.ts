import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { InterceptDelivery } from "../../infra/local/buses.ts";
import type { World } from "./world.ts";

/** Deliveries late, and so out of order; twice at once; and again when all is over. */
export function faultyDeliveries(world: World): InterceptDelivery {
  return async ({ target, event, requestId }, deliver) => {
    const run = world.invoked(requestId, event);
    if (run === undefined || !world.enabled) return deliver(requestId);
    const schedule = world.schedule(run);
    const nth = world.count(run, target);
    const faults = schedule.onDelivery(target, nth);
    for (const fault of faults) world.report(run, fault);
    const lateness = schedule.lateness(target, nth);
    const another = () => {
      const id = randomUUID();
      world.invoked(id, event);
      return deliver(id);
    };
    if (faults.includes("delivery late")) await sleep(lateness);
    await Promise.all([deliver(requestId), ...(faults.includes("delivery twice at once") ? [another()] : [])]);
    if (!faults.includes("delivery again later")) return;
    await sleep(lateness);
    await another();
  };
}
