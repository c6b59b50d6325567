import { z } from "zod";

/** A JSON Schema: its keywords with their values. */
export type JsonSchema = { readonly [keyword: string]: unknown };

const Schema = z.record(z.string(), z.unknown());

/** Reads a schema from a file's text. Throws if it isn't a JSON object. */
export const readSchema = (text: string): JsonSchema => Schema.parse(JSON.parse(text));

/** A schema within a schema; one that allows everything where there is none. */
export const subschema = (value: unknown): JsonSchema => {
  const parsed = Schema.safeParse(value);
  return parsed.success ? parsed.data : {};
};

/** The schemas of an object's properties. */
export const propertiesOf = (schema: JsonSchema): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(subschema(schema.properties)).map(([name, value]) => [name, subschema(value)]));

/** Names of the required properties. */
export const requiredOf = (schema: JsonSchema): Set<string> =>
  new Set(z.array(z.string()).parse(schema.required ?? []));

/** The same text for the same value, whatever the order of its keys. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  ) ?? "absent";
