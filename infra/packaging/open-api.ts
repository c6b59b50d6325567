/** A JSON Schema, or a part of one. */
export type JsonSchema = { readonly [keyword: string]: unknown };

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keywords whose value maps names to schemas; the names aren't keywords. */
const isMapOfSchemas = (keyword: string): boolean => keyword === "properties" || keyword === "$defs";

function converted(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(converted);
  if (!isSchema(schema)) return schema;
  const { $schema: _, $id: __, const: constant, exclusiveMinimum, exclusiveMaximum, prefixItems, ...rest } = schema;
  if (Array.isArray(prefixItems)) delete (rest as { items?: unknown }).items;
  const kept = Object.entries(rest).map(([keyword, value]) => [
    keyword,
    isMapOfSchemas(keyword) && isSchema(value)
      ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, converted(part)]))
      : converted(value),
  ]);
  return {
    ...Object.fromEntries(kept),
    ...(constant !== undefined && { enum: [constant] }),
    ...(typeof exclusiveMinimum === "number" && { minimum: exclusiveMinimum, exclusiveMinimum: true }),
    ...(typeof exclusiveMaximum === "number" && { maximum: exclusiveMaximum, exclusiveMaximum: true }),
    ...(Array.isArray(prefixItems) && { items: itemsOf(prefixItems) }),
  };
}

/**
 * OpenAPI 3.0 has no tuples: an array of any of the kinds that the tuple has, of the same length.
 */
function itemsOf(prefixItems: unknown[]): unknown {
  const kinds = [...new Map(prefixItems.map((item) => [JSON.stringify(item), converted(item)])).values()];
  return kinds.length === 1 ? kinds[0] : { anyOf: kinds };
}

/**
 * An event's JSON Schema (draft 2020-12) as an OpenAPI 3.0 document for EventBridge's schema
 * registry, in the form of its schema discovery, so that the console finds the event's source and
 * type and can generate code from it.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema-create.html
 */
export function eventOpenApi(schema: JsonSchema, { source, detailType }: { source: string; detailType: string }) {
  return {
    openapi: "3.0.0",
    info: { version: "1.0.0", title: detailType },
    paths: {},
    components: {
      schemas: {
        AWSEvent: {
          ...(converted(schema) as JsonSchema),
          "x-amazon-events-source": source,
          "x-amazon-events-detail-type": detailType,
        },
      },
    },
  };
}
