export type Service = "s3" | "dynamodb" | "bus";

/**
 * To which requests a fault can happen, and to how many of 100 it happens in a run with this kind
 * of fault.
 */
export type RequestFaultKind = {
  percent: number;
  /** Default: any. */
  service?: Service;
  /** HTTP method of S3, else the operation's name. Default: any. */
  operation?: string;
  /** At most once in an invocation and its retries. */
  once?: true;
  /** Only a large GET. */
  large?: true;
};

const s3 = { service: "s3" } as const;
const get = { service: "s3", operation: "GET" } as const;
const dynamodb = { service: "dynamodb" } as const;
const bus = { service: "bus" } as const;

/**
 * What can fail on AWS. The worst is "answer lost": the request was served, but the client doesn't
 * know it. Of several faults for one request, the first one in this list happens. The names are
 * part of a schedule's seed: a renamed fault changes all schedules.
 */
export const REQUEST_FAULTS = {
  "S3 is busy": { ...s3, percent: 15 },
  "S3 body is slow": { ...get, percent: 20 },
  "S3 body cut midway": { ...get, percent: 25 },
  /**
   * A body that ends in the middle of its range. S3 then refuses to send the bytes after it until
   * the retry.
   */
  "S3 fails in mid-read": { ...get, percent: 15, once: true, large: true },
  /** The connection stays open, and no further byte is sent. */
  "S3 body stalls": { ...get, percent: 8, once: true, large: true },
  "S3 object overwritten": { ...get, percent: 10, once: true },
  "S3 object deleted": { ...get, percent: 10, once: true },
  "S3 finds a wrong checksum": { ...s3, operation: "PUT", percent: 25 },
  "S3 answer lost": { ...s3, percent: 10 },
  "DynamoDB throttles": { ...dynamodb, percent: 15 },
  "DynamoDB is slow": { ...dynamodb, percent: 30 },
  "DynamoDB write overtaken": { ...dynamodb, operation: "UpdateItem", percent: 35 },
  "DynamoDB answer lost": { ...dynamodb, percent: 15 },
  "bus throttles": { ...bus, percent: 25 },
  "bus refuses entries": { ...bus, percent: 40 },
  "bus answer lost": { ...bus, percent: 25 },
  "request never answered": { percent: 2 },
  /** Kills a child process of the function, as the kernel does when memory is short. */
  "ffmpeg killed": { ...s3, percent: 15 },
  "function killed before a request": { percent: 5 },
  "function killed after a request": { percent: 5 },
  "function killed after its answer": { percent: 5 },
  "function frozen until its timeout": { percent: 1 },
  "stack killed": { percent: 3 },
} as const satisfies Record<string, RequestFaultKind>;

/** To how many of 100 deliveries it happens, in a run with this fault. */
export const DELIVERY_FAULTS = {
  "delivery late": 40,
  "delivery duplicated": 40,
  "delivery again later": 40,
} as const;

export type RequestFault = keyof typeof REQUEST_FAULTS;
export type DeliveryFault = keyof typeof DELIVERY_FAULTS;
export type Fault = RequestFault | DeliveryFault;

export const requestFaults = Object.keys(REQUEST_FAULTS) as RequestFault[];
export const deliveryFaults = Object.keys(DELIVERY_FAULTS) as DeliveryFault[];
export const FAULTS: readonly Fault[] = [...requestFaults, ...deliveryFaults];

export const kindOf = (fault: RequestFault): RequestFaultKind => REQUEST_FAULTS[fault];
