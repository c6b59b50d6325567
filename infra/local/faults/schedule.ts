import { createHash } from "node:crypto";

/**
 * What AWS does to its customers now and then. "answer lost" is the worst of them: the request was served, and the client doesn't
 * know. The figure is how many requests or deliveries out of a hundred meet it in a run that has this kind at all.
 */
const REQUEST_FAULTS = {
  "S3 is busy": 15,
  "S3 body is slow": 20,
  "S3 body cut midway": 25,
  "S3 finds a wrong checksum": 25,
  "S3 answer lost": 10,
  "DynamoDB throttles": 15,
  "DynamoDB is slow": 30,
  "DynamoDB write overtaken": 35,
  "DynamoDB answer lost": 15,
  "bus throttles": 25,
  "bus refuses entries": 40,
  "bus answer lost": 25,
  "request never answered": 2,
  "function killed before a request": 5,
  "function killed after a request": 5,
  "function killed after its answer": 5,
  "function frozen until its timeout": 1,
  "stack killed": 3,
} as const;

const DELIVERY_FAULTS = {
  "delivery late": 40,
  "delivery twice at once": 40,
  "delivery again later": 40,
} as const;

export type RequestFault = keyof typeof REQUEST_FAULTS;
export type DeliveryFault = keyof typeof DELIVERY_FAULTS;
export type Fault = RequestFault | DeliveryFault;

export const FAULTS = [...Object.keys(REQUEST_FAULTS), ...Object.keys(DELIVERY_FAULTS)] as Fault[];

const deliveryFaults = Object.keys(DELIVERY_FAULTS) as Fault[];

/** Part of the runs in which no work may be done twice, and no dead letter be left, since nothing breaks. */
const MERE_DUPLICATES = 0.2;

/** Kinds of fault that one run has at most. */
const MOST_KINDS = 5;

/** The longest that a delivery is late, in virtual minutes, and what one of them takes here. */
const LATEST_MINUTES = 5;
const MILLISECONDS_A_VIRTUAL_MINUTE = 200;

export type Service = "s3" | "dynamodb" | "bus";

/** A request of a function: which service, which operation, and the how manieth of its kind and of all it is in its run. */
export type Request = { service: Service; operation: string; nth: number; place: number };

/** Faults of one run. */
export type Schedule = {
  kinds: ReadonlySet<Fault>;
  /** Nothing breaks: deliveries come late or more than once, and that is all. */
  isMereDuplicates: boolean;
  onRequest(request: Request): RequestFault | undefined;
  onDelivery(what: string): DeliveryFault[];
  /** Milliseconds. */
  lateness(what: string): number;
};

const serviceOf = (fault: RequestFault): Service | undefined =>
  fault.startsWith("S3")
    ? "s3"
    : fault.startsWith("DynamoDB")
      ? "dynamodb"
      : fault.startsWith("bus")
        ? "bus"
        : undefined;

/** Operations that a fault can happen to; the others are passed over. */
const ONLY: Partial<Record<RequestFault, string>> = {
  "S3 body is slow": "GET",
  "S3 body cut midway": "GET",
  "S3 finds a wrong checksum": "PUT",
  "DynamoDB write overtaken": "UpdateItem",
};

/** From 0 to 1, the same for the same words. Not a stream of numbers: what happens at once may be asked in any order. */
const chance = (...words: readonly (string | number)[]): number =>
  createHash("sha256").update(JSON.stringify(words)).digest().readUInt32BE() / 2 ** 32;

/**
 * Faults that follow from seed and run alone, so that a run can be had again by itself. A run has a few kinds of fault, each often, rather than
 * every kind seldom: what breaks needs several of one kind in a row more often than one of each ("swarm testing",
 * https://dl.acm.org/doi/10.1145/2338965.2336763).
 */
export function scheduleOf(seed: number, run: number): Schedule {
  const isMereDuplicates = chance(seed, run, "mere duplicates") < MERE_DUPLICATES;
  const count = 1 + Math.floor(chance(seed, run, "count") * MOST_KINDS);
  const kinds = new Set(
    (isMereDuplicates ? deliveryFaults : FAULTS)
      .map((fault) => ({ fault, draw: chance(seed, run, "kind", fault) }))
      .sort((one, other) => one.draw - other.draw)
      .slice(0, count)
      .map(({ fault }) => fault),
  );
  const happens = (fault: Fault, percent: number, ...where: (string | number)[]) =>
    kinds.has(fault) && chance(seed, run, fault, ...where) * 100 < percent;
  const among = <F extends Fault>(table: Record<F, number>) => Object.entries(table) as [F, number][];
  return {
    kinds,
    isMereDuplicates,
    onRequest: ({ service, operation, nth }) =>
      among<RequestFault>(REQUEST_FAULTS).find(
        ([fault, percent]) =>
          (serviceOf(fault) ?? service) === service &&
          (ONLY[fault] ?? operation) === operation &&
          happens(fault, percent, service, operation, nth),
      )?.[0],
    onDelivery: (what) =>
      among<DeliveryFault>(DELIVERY_FAULTS).flatMap(([fault, percent]) =>
        happens(fault, percent, what) ? [fault] : [],
      ),
    lateness: (what) => chance(seed, run, "lateness", what) * LATEST_MINUTES * MILLISECONDS_A_VIRTUAL_MINUTE,
  };
}

/** Before which request a function is killed, or after it: served, with its answer lost. */
export type Kill = Extract<RequestFault, "function killed before a request" | "function killed after a request">;

export const NO_FAULTS: Schedule = {
  kinds: new Set(),
  isMereDuplicates: false,
  onRequest: () => undefined,
  onDelivery: () => [],
  lateness: () => 0,
};

/** One kill, at one request, and nothing else. */
export const killAt = (kill: Kill, at: number): Schedule => ({
  ...NO_FAULTS,
  kinds: new Set([kill]),
  onRequest: ({ place }) => (place === at ? kill : undefined),
});
