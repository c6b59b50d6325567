import { createHash } from "node:crypto";
import {
  DELIVERY_FAULTS,
  type DeliveryFault,
  deliveryFaults,
  FAULTS,
  type Fault,
  kindOf,
  type RequestFault,
  requestFaults,
  type Service,
} from "./kinds.ts";

/**
 * Share of the runs that have only late or repeated deliveries: in these, nothing may be done
 * twice.
 */
const ONLY_DELIVERIES = 0.2;

/** Maximum number of kinds of fault in one run. */
const MAX_KINDS = 5;

/** Maximum lateness of a delivery in virtual minutes, and the length of one in milliseconds. */
const MAX_LATE_MINUTES = 5;
const MILLISECONDS_A_VIRTUAL_MINUTE = 200;

/** A request of a function. */
export type Request = {
  service: Service;
  operation: string;
  /** The function that sends it. */
  from: string;
  /** Number of earlier requests of this function, service and operation in its run. */
  nth: number;
  /** Number of earlier ones in its run. */
  place: number;
  /**
   * For a GET of more bytes than a header has: how many such came before, in its run and in its
   * attempt of an invocation.
   */
  large: { nth: number; nthOfAttempt: number } | undefined;
};

/** Faults of one run. */
export type Schedule = {
  kinds: ReadonlySet<Fault>;
  /** Deliveries are late or duplicated, and nothing fails. */
  isOnlyDeliveries: boolean;
  /** What otherwise happens once in an invocation happens in its retries too. */
  repeats: boolean;
  onRequest(request: Request): RequestFault | undefined;
  onDelivery(what: string): DeliveryFault[];
  /** Milliseconds. */
  lateness(what: string): number;
};

/**
 * From 0 to 1, the same for the same words. Not a random sequence, because concurrent requests come
 * in any order.
 */
const chance = (...words: readonly (string | number)[]): number =>
  createHash("sha256").update(JSON.stringify(words)).digest().readUInt32BE() / 2 ** 32;

function canHappenTo(fault: RequestFault, request: Request): boolean {
  const { service = request.service, operation = request.operation, large = false } = kindOf(fault);
  return service === request.service && operation === request.operation && (request.large !== undefined || !large);
}

/**
 * Faults that follow from seed and run alone, so that a run can be repeated by itself. A run has a
 * few kinds of fault, each often, instead of all kinds rarely: bugs need several faults of one kind
 * more often than one of each ("swarm testing", https://dl.acm.org/doi/10.1145/2338965.2336763).
 */
export function scheduleOf(seed: number, run: number): Schedule {
  const isOnlyDeliveries = chance(seed, run, "mere duplicates") < ONLY_DELIVERIES;
  const count = 1 + Math.floor(chance(seed, run, "count") * MAX_KINDS);
  const kinds = new Set(
    (isOnlyDeliveries ? deliveryFaults : FAULTS)
      .map((fault) => ({ fault, draw: chance(seed, run, "kind", fault) }))
      .sort((one, other) => one.draw - other.draw)
      .slice(0, count)
      .map(({ fault }): Fault => fault),
  );
  return { ...scheduleWith(kinds, seed, run), isOnlyDeliveries };
}

/** Faults of these kinds: which requests and deliveries they happen to follows from seed and run. */
export function scheduleWith(kinds: ReadonlySet<Fault>, seed: number, run: number): Schedule {
  const happens = (fault: Fault, percent: number, ...where: (string | number)[]) =>
    kinds.has(fault) && chance(seed, run, fault, ...where) * 100 < percent;
  return {
    kinds,
    isOnlyDeliveries: [...kinds].every((kind) => deliveryFaults.some((fault) => fault === kind)),
    repeats: false,
    onRequest: (request) =>
      requestFaults.find(
        (fault) =>
          canHappenTo(fault, request) &&
          happens(fault, kindOf(fault).percent, request.service, request.operation, request.from, request.nth),
      ),
    onDelivery: (what) => deliveryFaults.filter((fault) => happens(fault, DELIVERY_FAULTS[fault], what)),
    lateness: (what) => chance(seed, run, "lateness", what) * MAX_LATE_MINUTES * MILLISECONDS_A_VIRTUAL_MINUTE,
  };
}

export const NO_FAULTS: Schedule = {
  kinds: new Set(),
  isOnlyDeliveries: false,
  repeats: false,
  onRequest: () => undefined,
  onDelivery: () => [],
  lateness: () => 0,
};

/**
 * The number of a request among those to which a fault can happen: among all, or among those of its
 * kind.
 */
function positionOf(fault: RequestFault, { place, nth, large }: Request): number {
  // It happens in each attempt: an attempt that recovers too slowly fails each time.
  if (fault === "S3 body stalls" && large !== undefined) return large.nthOfAttempt;
  if (kindOf(fault).large && large !== undefined) return large.nth;
  return kindOf(fault).service === undefined ? place : nth;
}

/** One fault, at one request, and nothing else. `from`: only of this function. */
export const oneFault = (fault: RequestFault, at: number, from?: string): Schedule => ({
  ...NO_FAULTS,
  kinds: new Set([fault]),
  repeats: true,
  onRequest: (request) =>
    canHappenTo(fault, request) && (from ?? request.from) === request.from && positionOf(fault, request) === at
      ? fault
      : undefined,
});
