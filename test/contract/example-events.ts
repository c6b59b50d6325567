import { readFile } from "node:fs/promises";
import type { EventType } from "#events-schema";

/** An event as stored in events-schema/examples. */
export type ExampleEvent = {
  source: string;
  "detail-type": string;
  detail: { metadata: Record<string, unknown>; data: Record<string, unknown> };
};

/** A fresh copy of the committed example of one event. */
export const readExample = async (type: EventType): Promise<ExampleEvent> =>
  JSON.parse(await readFile(new URL(`../../events-schema/examples/${type}.json`, import.meta.url), "utf8"));
