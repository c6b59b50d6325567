import type { StackOptions } from "../stack.ts";
import { faultyDeliveries } from "./deliveries.ts";
import { faultyRequests } from "./requests.ts";
import type { World } from "./world.ts";

export { FAULTS, type Fault, type Kill, killAt, NO_FAULTS, type Schedule, scheduleOf } from "./schedule.ts";
export { World } from "./world.ts";

/** Faults on demand, as `openStack` takes them. */
export const faultsOf = (world: World): Required<Pick<StackOptions, "intercept" | "interceptDelivery">> => ({
  intercept: faultyRequests(world),
  interceptDelivery: faultyDeliveries(world),
});
