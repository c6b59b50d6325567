import { describe, expect, it } from "vitest";
import { eventTypes } from "#events-schema";
import { breaks } from "../../events-schema/scripts/compatibility/breaks.ts";
import { jsonSchemaOf } from "../../events-schema/scripts/generated-files.ts";

describe("every keyword that the events' schemas use", () => {
  it.each(eventTypes)(
    "given %s with one of its keywords removed at a time, then each is noticed except annotations",
    (type) => {
      const schema = jsonSchemaOf(type);
      for (const { keyword, schema: changed } of eachKeywordRemoved(schema)) {
        const noticed =
          [...breaks(type, schema, changed, "readers"), ...breaks(type, schema, changed, "writers")].length > 0;
        expect([keyword, noticed]).toEqual([keyword, !["$id", "$schema", "title", "description"].includes(keyword)]);
      }
    },
  );
});

type Removal = { keyword: string; schema: Record<string, unknown> };

/** The schema without each keyword of itself and of its subschemas, one at a time. */
function eachKeywordRemoved(schema: Record<string, unknown>): Removal[] {
  const own = Object.keys(schema).map((keyword) => ({
    keyword,
    schema: Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword)),
  }));
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Record<string, unknown>>).flatMap(
    ([name, property]) =>
      eachKeywordRemoved(property).map(({ keyword, schema: changed }) => ({
        keyword,
        schema: { ...schema, properties: { ...(schema.properties as object), [name]: changed } },
      })),
  );
  return [...own, ...properties];
}
