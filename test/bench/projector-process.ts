import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Context } from "aws-lambda";
import { documentClient } from "../../services/aws/dynamodb.ts";
import { handler } from "../../services/projector/handler.ts";
import { runOf } from "../fixtures/announcing.ts";

/**
 * Works through the events of some videos, in one of several ways, and sends the seconds that it
 * took to its parent. A process of its own, whose logs go nowhere and whose environment is that of
 * the projector.
 */

/** `firstVideo`: no two runs have the same videos. */
export type Job = {
  way: "handler" | "read and conditional put" | "conditional put";
  table: string;
  region: string;
  firstVideo: number;
  videos: number;
  segments: number;
};

export type Done = { events: number; seconds: number };

/** Events at the same time. */
const LANES = 4;

const { way, table: TableName, region, firstVideo, videos, segments } = JSON.parse(process.argv[2] ?? "{}") as Job;

const client = documentClient(region);

/** Events as the function receives them. */
const events = Array.from({ length: videos }, (_, video) => runOf(firstVideo + video, segments))
  .flat()
  .map(({ source, detailType, detail }, at) => ({
    ...{ version: "0", id: String(at), "detail-type": detailType, source, account: "000000000000" },
    ...{ time: new Date().toISOString(), region, resources: [], detail },
  }));

type Event = (typeof events)[number];

/** An item of its own for each event, with the same data, on the condition that it isn't there. */
const put = (event: Event, at: number): Promise<unknown> =>
  client.send(
    new PutCommand({
      TableName,
      Item: { ...(event.detail.data as object), VideoId: firstVideo * 1_000_000 + at + 1 },
      ConditionExpression: "attribute_not_exists(VideoId)",
    }),
  );

const read = (at: number): Promise<unknown> =>
  client.send(new GetCommand({ TableName, Key: { VideoId: firstVideo * 1_000_000 + at + 1 }, ConsistentRead: true }));

const work: Record<Job["way"], (event: Event, at: number) => Promise<unknown>> = {
  handler: (event, at) => handler(event, { awsRequestId: String(at) } as Context),
  "read and conditional put": async (event, at) => {
    await read(at);
    await put(event, at);
  },
  "conditional put": put,
};

const waiting = events.entries();
const lane = async (): Promise<void> => {
  for (const [at, event] of waiting) await work[way](event, at);
};
// Connections and code that the first request needs aren't measured.
await read(0);
const begun = performance.now();
await Promise.all(Array.from({ length: LANES }, lane));
const done: Done = { events: events.length, seconds: (performance.now() - begun) / 1_000 };
process.send?.(done);
process.disconnect?.();
client.destroy();
