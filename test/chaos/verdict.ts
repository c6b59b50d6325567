import type { RejectionReason, VideoSplitEvent } from "#events-schema";
import type { Fault } from "../../infra/emulator/faults/index.ts";
import { announcedTwoWays, contentOf, type Document, essence, eventsOf, type Outcome } from "./essence.ts";

/** The result of an upload of these bytes without faults. */
export type Calm = {
  etag: string;
  essence: string;
  /** Type and data of each of its events. */
  events: ReadonlySet<string>;
  /** The reason, where it's rejected. */
  rejected: string | undefined;
  /** Segments that are put. */
  stored: number;
};

const rejectionOf = ({ rejection }: Document): string | undefined =>
  (rejection as { reason: string } | undefined)?.reason;

export const calmOf = (outcome: Outcome, upload: Document, stored: number): Calm => ({
  etag: String(upload.etag),
  essence: essence(outcome, upload),
  events: new Set(eventsOf(outcome, upload).map(contentOf)),
  rejected: rejectionOf(upload),
  stored,
});

/** Faults that change the object, and what its upload may be rejected for when they happen. */
const CHANGES: Partial<Record<Fault, RejectionReason>> = {
  "S3 object overwritten": "SourceChanged",
  "S3 object deleted": "SourceNotFound",
};

const reasonsFor = (happened: ReadonlySet<Fault>): string[] => [...happened].flatMap((fault) => CHANGES[fault] ?? []);

/**
 * What is wrong with an upload, by its events and documents; undefined where nothing is. It ends as without faults, or, where its
 * object was changed meanwhile, is rejected for that. Every event says what one says without faults: no segment is
 * announced that isn't whole, and no split as complete or as truncated that isn't.
 */
function faultOf(outcome: Outcome, upload: Document, calm: Calm, reasons: readonly string[]): string | undefined {
  const isAllowed = ({ type, data }: VideoSplitEvent) =>
    type === "VideoRejected" && reasons.includes((data as { rejection: { reason: string } }).rejection.reason);
  const events = eventsOf(outcome, upload);
  const twoWays = announcedTwoWays(events);
  if (twoWays !== undefined) return twoWays;
  const untrue = events.find((event) => !calm.events.has(contentOf(event)) && !isAllowed(event));
  if (untrue !== undefined)
    return `announced: ${contentOf(untrue)}\n  which isn't one of\n  ${[...calm.events].join("\n  ")}`;
  const found = essence(outcome, upload);
  if (found === calm.essence) return undefined;
  const reason = rejectionOf(upload) ?? "";
  const isRejected = upload.status === "rejected" && (reasons.includes(reason) || reason === calm.rejected);
  if (isRejected && reasons.length > 0 && !events.some(({ type }) => type === "VideoSplit")) return undefined;
  return `${found}\n  instead of\n  ${calm.essence}`;
}

/** What is wrong with a run; undefined where nothing is. */
export function verdictOn(
  outcome: Outcome,
  uploads: readonly Document[],
  expected: { original: Calm; replacement: Calm },
  happened: ReadonlySet<Fault>,
): string | undefined {
  const { original, replacement } = expected;
  const due = happened.has("S3 object overwritten") ? [original, replacement] : [original];
  const missing = due.find(({ etag }) => !uploads.some((upload) => upload.etag === etag));
  if (missing !== undefined)
    return missing === original ? "no document" : "no document of what it was overwritten with";
  for (const upload of uploads) {
    const calm = due.find(({ etag }) => etag === upload.etag);
    if (calm === undefined) return `a document of an object that wasn't there, etag ${upload.etag}`;
    const fault = faultOf(outcome, upload, calm, reasonsFor(happened));
    if (fault !== undefined) return fault;
  }
  return undefined;
}
