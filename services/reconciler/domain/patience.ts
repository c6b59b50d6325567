/** What is known of an upload that hasn't come to its end. Times are epoch seconds. */
export type Unfinished = {
  uploadedAt: number;
  /** How often it was asked for again. */
  requests: number;
  /** Undefined where it never was. */
  lastRequestAt: number | undefined;
};

/** After so many requests that led to nothing, another one won't help either. */
export const MOST_REQUESTS = 3;

/**
 * Each wait is twice the one before, so that a service which is down or has much to do for hours isn't given up on: with an hour's
 * grace an upload is asked for after 1, 3 and 7 hours, and given up after 15.
 */
const dueAt = ({ uploadedAt, requests, lastRequestAt }: Unfinished, graceSeconds: number): number =>
  (lastRequestAt ?? uploadedAt) + graceSeconds * 2 ** requests;

export type Decision = "wait" | "request" | "give up";

/** What is to be done for an upload without an end, `graceSeconds` being how long a split may take. */
export function decide(upload: Unfinished, graceSeconds: number, now: number): Decision {
  if (now < dueAt(upload, graceSeconds)) return "wait";
  return upload.requests < MOST_REQUESTS ? "request" : "give up";
}
