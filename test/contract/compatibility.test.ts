import { describe, expect, it } from "vitest";
import { breaks } from "../../events-schema/scripts/compatibility/breaks.ts";
import { BOTH, type Case, HARMLESS, NARROWER, RELEASED, WIDER } from "./schema-changes.ts";

const namedSchemas = (cases: Case[]): [what: string, schema: object][] => cases.map(([what, schema]) => [what, schema]);

const readers = (schema: object) => breaks("Thing", RELEASED, { ...schema }, "readers");
const writers = (schema: object) => breaks("Thing", RELEASED, { ...schema }, "writers");

describe("for those who read an event", () => {
  it.each([...WIDER, ...BOTH])("given %s, then it is refused with a sentence that says what", (_, schema, says) => {
    expect(readers(schema)).toContainEqual(expect.stringContaining(`Thing: ${says}`));
    expect(readers(schema).every((sentence) => sentence.endsWith("existing consumers don't expect that."))).toBe(true);
  });

  it.each([...namedSchemas(NARROWER), ...HARMLESS])("given %s, then it is accepted", (_, schema) => {
    expect(readers(schema)).toEqual([]);
  });
});

describe("for those who write an event", () => {
  it.each([...NARROWER, ...BOTH])("given %s, then it is refused with a sentence that says what", (_, schema, says) => {
    expect(writers(schema)).toContainEqual(expect.stringContaining(`Thing: ${says}`));
  });

  it.each([...namedSchemas(WIDER), ...HARMLESS])("given %s, then it is accepted", (_, schema) => {
    expect(writers(schema)).toEqual([]);
  });
});
