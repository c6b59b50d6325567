import type { Intercept } from "../front.ts";
import { faultyDeliveries, type InterceptDelivery } from "./deliveries.ts";
import { faultyRequests } from "./requests.ts";
import type { World } from "./world.ts";

export { FAULTS, type Fault, type RequestFault } from "./kinds.ts";
export { NO_FAULTS, oneFault, type Schedule, scheduleOf, scheduleWith } from "./schedule.ts";
export { type Replacement, World } from "./world.ts";

/** Faults on demand, as `openStack` takes them. */
export const faultsOf = (world: World): { intercept: Intercept; interceptDelivery: InterceptDelivery } => ({
  intercept: faultyRequests(world),
  interceptDelivery: faultyDeliveries(world),
});
