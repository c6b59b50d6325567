import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { eventTypes } from "#events-schema";
import { asyncApi } from "../../events-schema/scripts/asyncapi.ts";
import { jsonSchemaOf } from "../../events-schema/scripts/generated-files.ts";

/** AsyncAPI's own schema, which its parser validates with too: docs/decisions/asyncapi.md. */
const SCHEMA = new URL("../../node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json", import.meta.url);

async function faultsOf(document: object): Promise<string[]> {
  const ajv = new Ajv({ strict: false, allErrors: false, validateFormats: false });
  const validate = ajv.compile(JSON.parse(await readFile(SCHEMA, "utf8")));
  validate(JSON.parse(JSON.stringify(document)));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const document = asyncApi(jsonSchemaOf, "1.0.0");

describe("the AsyncAPI document", () => {
  it("is valid AsyncAPI 3, and a broken one isn't", async () => {
    expect(await faultsOf(document)).toEqual([]);
    expect(await faultsOf({ ...document, operations: { announce: { action: "shout" } } })).not.toEqual([]);
  });

  it("has each event once, as what the service sends or receives, with its schema and its example", () => {
    const { messages } = document.components;
    expect(Object.keys(messages)).toEqual(eventTypes);
    for (const type of eventTypes) expect(messages[type]?.payload.schema).toMatchObject({ title: type });
    const { announce, request } = document.operations;
    const named = [...announce.messages, ...request.messages].map(({ $ref }) => $ref.split("/").at(-1));
    expect(named.sort()).toEqual([...eventTypes].sort());
    expect(request.messages).toEqual([{ $ref: "#/channels/video/messages/SplitRequested" }]);
  });

  it("has references that lead somewhere", () => {
    const text = JSON.stringify(document);
    for (const [, path = ""] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = path.split("/").reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], document);
      expect(found, path).toBeDefined();
    }
  });
});
