import type { EventView } from "../../api/types.ts";

/** What an event is about: the key of its upload or segment, with the segment's number. */
export function subjectOf({ detail }: EventView): string {
  const { data, object } = (detail ?? {}) as {
    data?: { key?: unknown; segment_index?: unknown };
    object?: { key?: unknown };
  };
  const key = data?.key ?? object?.key;
  const number = typeof data?.segment_index === "number" ? `segment ${data.segment_index} ` : "";
  return typeof key === "string" ? number + key : number.trim();
}

/** Newer events in front of those that are shown, each once. Newest first. */
export function mergedEvents(shown: readonly EventView[], newest: readonly EventView[]): EventView[] {
  const fresh = new Set(newest.map(({ id }) => id));
  return [...newest, ...shown.filter(({ id }) => !fresh.has(id))];
}

const own = (...types: string[]): string => JSON.stringify({ source: ["video-split"], "detail-type": types });

/** Patterns to begin with, by what they match. */
export const PATTERNS: Readonly<Record<string, string>> = {
  "All events": "",
  "Each segment": own("SegmentCreated"),
  "Each end of a split": own("VideoSplit", "VideoRejected"),
  "Segments that were re-encoded": JSON.stringify({
    "detail-type": ["SegmentCreated"],
    detail: { data: { made: [{ "anything-but": "copied" }] } },
  }),
  "Videos longer than an hour": JSON.stringify({
    "detail-type": ["SplitPlanned"],
    detail: { data: { duration: [{ numeric: [">", 3600] }] } },
  }),
};

/** JSON as it is shown and copied. */
export const shownJson = (value: unknown): string => JSON.stringify(value, undefined, 2);
