import * as z from "zod";
import { catalog, type EventType } from "./catalog.ts";
import { type ExampleEvent, exampleOf } from "./examples.ts";

/** An event that a consumer must be able to receive, and what is special about it. */
export type ContractCase = { says: string; event: unknown };

const TOMORROW = { field_of_tomorrow: { added: true } };

/** The codes of these lists grow. */
const OPEN_LISTS = ["rejection", "refusal"];

type Fields = Readonly<Record<string, unknown>>;

const withData = (event: ExampleEvent, data: Fields): unknown => ({ ...event, detail: { ...event.detail, data } });

const isOptional = (schema: z.ZodType): boolean => schema instanceof z.ZodOptional;

/** The values of a closed list; none for another schema. */
function valuesOf(schema: z.ZodType): readonly unknown[] {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  return inner instanceof z.ZodEnum ? inner.options : [];
}

/**
 * What the contract allows of one event, for a consumer's own tests: call the handler with each
 * case, and expect that it doesn't throw. Each is valid: `parseEvent` accepts it.
 */
export function contractCases(type: EventType): ContractCase[] {
  const event = exampleOf(type);
  const data: Fields = event.detail.data;
  const shape = Object.entries<z.ZodType>(catalog[type].data.shape);
  const required = Object.fromEntries(
    shape.flatMap(([name, schema]) => (isOptional(schema) ? [] : [[name, data[name]]])),
  );
  const later = { ...event.detail.metadata, occurredAt: "2026-11-24T09:41:00.000Z" };
  return [
    { says: "an event", event },
    {
      says: "the same event again, later",
      event: { ...event, id: `${event.id}-2`, detail: { ...event.detail, metadata: later } },
    },
    {
      says: "fields that a later version adds, anywhere",
      event: {
        ...event,
        ...TOMORROW,
        detail: {
          ...TOMORROW,
          metadata: { ...event.detail.metadata, ...TOMORROW },
          data: { ...data, ...TOMORROW },
        },
      },
    },
    { says: "no optional field", event: withData(event, required) },
    { says: "a replay of the archive", event: { ...event, "replay-name": "replay-2026-11-24" } },
    ...shape.flatMap(([name, schema]) =>
      valuesOf(schema).map((value) => ({
        says: `${name}: ${value}`,
        event: withData(event, { ...data, [name]: value }),
      })),
    ),
    ...OPEN_LISTS.filter((name) => name in data).map((name) => ({
      says: `a ${name} for a reason that a later version adds`,
      event: withData(event, { ...data, [name]: { ...(data[name] as object), reason: "ReasonOfTomorrow" } }),
    })),
  ];
}
