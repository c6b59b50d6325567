import { randomUUID } from "node:crypto";
import * as z from "zod";
import { invalid } from "../exceptions.ts";
import type { BusEvent } from "../types.ts";
import { type Api, operation } from "./operation.ts";
import { busNameOrArn, timestamp } from "./shapes.ts";

const Entry = z.object({
  Time: timestamp.optional(),
  Source: z.string().optional(),
  Resources: z.array(z.string()).default([]),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  EventBusName: busNameOrArn.optional(),
  TraceHeader: z.string().min(1).max(500).optional(),
});
type Entry = z.output<typeof Entry>;

const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
const TIME_BYTES = 14;

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size */
const sizeOf = ({ Time, Source = "", DetailType = "", Detail = "", Resources }: Entry): number =>
  [Source, DetailType, Detail, ...Resources].reduce(
    (bytes, text) => bytes + Buffer.byteLength(text),
    Time === undefined ? 0 : TIME_BYTES,
  );

type Failure = { ErrorCode: string; ErrorMessage: string };

const missing = (name: string): Failure => ({
  ErrorCode: "InvalidArgument",
  ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
});

/** The object that `Detail` must be, or undefined. */
function detailIn(text: string): object | undefined {
  try {
    const detail: unknown = JSON.parse(text);
    return typeof detail === "object" && detail !== null && !Array.isArray(detail) ? detail : undefined;
  } catch {
    return undefined;
  }
}

const toTheSecond = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");

function eventOf({ Time, Source, DetailType, Detail, Resources }: Entry, { options }: Api): BusEvent | Failure {
  if (!Source) return missing("Source");
  if (!DetailType) return missing("DetailType");
  if (!Detail) return missing("Detail");
  if (Source.startsWith("aws.")) {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  }
  const detail = detailIn(Detail);
  if (detail === undefined) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": DetailType,
    source: Source,
    account: options.account,
    time: toTheSecond(Time === undefined ? Date.now() : Time * 1_000),
    region: options.region,
    resources: Resources,
    detail,
  };
}

/** Like AWS, accepts events for a bus that doesn't exist, and drops them. */
function put(entry: Entry, api: Api): { EventId: string } | Failure {
  const event = eventOf(entry, api);
  if ("ErrorCode" in event) return event;
  const bus = api.arns.busOf(entry.EventBusName);
  if (bus !== undefined && api.buses.has(bus)) api.buses.accept(bus, [event]);
  return { EventId: event.id };
}

export const putEvents = operation(
  z.object({ Entries: z.array(Entry).min(1).max(MAX_ENTRIES) }),
  ({ Entries }, api) => {
    if (Entries.reduce((bytes, entry) => bytes + sizeOf(entry), 0) > MAX_BYTES) {
      throw invalid("Total size of the entries in the request is over the limit.");
    }
    const results = Entries.map((entry) => put(entry, api));
    return { FailedEntryCount: results.filter((result) => "ErrorCode" in result).length, Entries: results };
  },
);
