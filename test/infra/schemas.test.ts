import { readFile } from "node:fs/promises";
import { join } from "node:path";
import Ajv from "ajv-draft-04";
import { describe, expect, it } from "vitest";
import { catalog } from "#events-schema";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { graphOf } from "./synthesised.ts";

const graph = graphOf("ada");

const registered = (type: string) => graph.find("schemas/schema:Schema", "name", `video-split@${type}`)?.inputs;

/** OpenAPI 3.0's schemas are draft 4's, but for the formats. https://spec.openapis.org/oas/v3.0.3#schema-object */
const validator = (content: unknown) => {
  const { AWSEvent } = JSON.parse(String(content)).components.schemas;
  const ajv = new (Ajv as unknown as typeof Ajv.default)({
    strict: false,
    formats: { "date-time": true },
  });
  return ajv.compile(AWSEvent);
};

describe.each(Object.keys(catalog))("given the event %s, in the schema registry", (type) => {
  it("has a schema of the event's source and type", () => {
    expect(registered(type)).toMatchObject({ registryName: "video-split-ada", type: "OpenApi3" });
    const document = JSON.parse(String(registered(type)?.content));
    expect(document).toMatchObject({ openapi: "3.0.0", paths: {} });
    expect(document.components.schemas.AWSEvent).toMatchObject({
      "x-amazon-events-source": "video-split",
      "x-amazon-events-detail-type": type,
    });
    expect(JSON.stringify(document)).not.toMatch(/"(const|prefixItems|\$schema|\$id|\$ref)"/);
  });

  it("takes the published example, and refuses it without a field or with a value of another type", async () => {
    const validate = validator(registered(type)?.content);
    const example = JSON.parse(await readFile(join(PROJECT_ROOT, `events-schema/examples/${type}.json`), "utf8"));
    expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...example, "detail-type": "Other" })).toBe(false);
    expect(validate({ ...example, detail: { ...example.detail, metadata: {} } })).toBe(false);
    const [field] = Object.keys(example.detail.data);
    expect(
      validate({ ...example, detail: { ...example.detail, data: { ...example.detail.data, [field as string]: {} } } }),
    ).toBe(false);
  });
});
