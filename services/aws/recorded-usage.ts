import * as z from "zod";
import type { Usage } from "../video/usage.ts";

/** The attributes of a block's item that have the sum of what was used, by their field. */
const ATTRIBUTES = {
  invocations: "used_invocations",
  gbSeconds: "used_gb_seconds",
  bytesRead: "used_bytes_read",
  bytesWritten: "used_bytes_written",
  s3Reads: "used_s3_reads",
  s3Writes: "used_s3_writes",
  dynamoReads: "used_dynamodb_reads",
  dynamoWrites: "used_dynamodb_writes",
  events: "used_events",
} as const satisfies Record<keyof Usage, string>;

const FIELDS = Object.entries(ATTRIBUTES) as [keyof Usage, string][];

/** Microseconds of a GB: more digits would be noise of binary fractions. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/**
 * The part of an update that adds to the sum. Two invocations that add at the same moment are both
 * in it. An update that the SDK sends again because its response was lost is counted twice.
 */
export const addition = (usage: Usage) => ({
  UpdateExpression: `ADD ${FIELDS.map(([, name]) => `${name} :${name}`).join(", ")}`,
  ExpressionAttributeValues: Object.fromEntries(FIELDS.map(([field, name]) => [`:${name}`, rounded(usage[field])])),
});

/** The sum, from the item's attributes. */
export const usageIn = (attributes: unknown): Usage => {
  const item = z.record(z.string(), z.unknown()).parse(attributes);
  const sum = FIELDS.map(([field, name]) => [field, z.number().parse(item[name])]);
  return Object.fromEntries(sum) as Usage;
};
