import { subscribe } from "#events-schema";
import { posterService } from "../runtime/poster.ts";

/** Lambda entry point for `SegmentCreated`. What it throws is retried, then dead-lettered. */
export const handler = subscribe("SegmentCreated", async (segment, { metadata, context }) => {
  const makePoster = await posterService();
  return makePoster(segment, metadata, context);
});
