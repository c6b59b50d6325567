import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { BLOCK_SIZE, eventTypes, parseEvent, REJECTION_REASONS, SOURCE, segmentId } from "#events-schema";
import { drift, generate, generatedFiles, jsonSchemaOf } from "../../events-schema/scripts/generated-files.ts";
import { readExample } from "./example-events.ts";

const packageFolder = fileURLToPath(new URL("../../events-schema/", import.meta.url));

describe("the committed JSON Schemas and examples", () => {
  it("are the ones that the definitions generate", async () => {
    expect(await drift(packageFolder)).toEqual([]);
  });

  it("are checked by the script, with success", async () => {
    await promisify(execFile)(process.execPath, [join(packageFolder, "scripts/generate.ts"), "--check"]);
  });
});

describe("checking generated files", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "events-schema-"));
    for (const part of ["json", "examples", "asyncapi.json"])
      await cp(join(packageFolder, part), join(folder, part), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("given a file that differs, is missing, or belongs to no event, then each is named", async () => {
    await writeFile(join(folder, "json/VideoSplit.json"), "{}\n");
    await rm(join(folder, "examples/VideoSplit.json"));
    await writeFile(join(folder, "json/VideoJoined.json"), "{}\n");
    expect(await drift(folder)).toEqual([
      "json/VideoSplit.json differs from what events-schema/src says",
      "examples/VideoSplit.json is missing",
      "json/VideoJoined.json belongs to no event",
    ]);
  });

  it("given drift, when generated again, then there is none left", async () => {
    await writeFile(join(folder, "json/VideoSplit.json"), "{}\n");
    await writeFile(join(folder, "json/VideoJoined.json"), "{}\n");
    expect(await generate(folder)).toEqual(["json/VideoSplit.json", "json/VideoJoined.json"]);
    expect(await drift(folder)).toEqual([]);
  });

  it("generates the same every time", () => {
    expect([...generatedFiles()]).toEqual([...generatedFiles()]);
  });
});

describe.each(eventTypes)("the JSON Schema of %s", (type) => {
  const schema = jsonSchemaOf(type);

  it("identifies the whole EventBridge event by source and detail-type", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      properties: {
        source: { const: SOURCE },
        "detail-type": { const: type },
        detail: { properties: { metadata: {}, data: {} } },
      },
      required: expect.arrayContaining(["source", "detail-type", "detail"]),
    });
  });

  it("allows fields to be added, at any depth", () => {
    expect(JSON.stringify(schema)).not.toContain("additionalProperties");
  });

  it("accepts the example, and refuses it as another event's", async () => {
    // zod reads JSON Schema too: another way to the same verdict than the definitions that the schema came from.
    const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
    const example = await readExample(type);
    expect(validator.safeParse(example).success).toBe(true);
    expect(validator.safeParse({ ...example, "detail-type": "Other" }).success).toBe(false);
  });
});

describe("the examples", () => {
  it("keep the rules of identity: an upload starts a block of ids, and a segment's id follows from it", async () => {
    for (const type of eventTypes) {
      const event = parseEvent(await readExample(type));
      if (event.type === "SplitRequested") continue;
      const upload = "parent_video" in event.data ? event.data.parent_video : event.data.VideoId;
      expect(upload % BLOCK_SIZE).toBe(0);
      if ("parent_video" in event.data) expect(event.data.VideoId).toBe(segmentId(upload, event.data.segment_index));
    }
  });

  it("have ids of their own each, and one correlation id for the events of one upload", async () => {
    const events = await Promise.all(eventTypes.map(async (type) => parseEvent(await readExample(type))));
    expect(new Set(events.map(({ metadata }) => metadata.eventId)).size).toBe(eventTypes.length);
    const correlationIds = events
      .filter(({ type }) => type !== "VideoRejected")
      .map(({ metadata }) => metadata.correlationId);
    expect(new Set(correlationIds).size).toBe(1);
  });

  it("reject for a reason that the service has", async () => {
    const event = parseEvent(await readExample("VideoRejected"));
    expect(event).toMatchObject({ data: { rejection: { reason: expect.toBeOneOf([...REJECTION_REASONS]) } } });
  });
});

describe("the package's README", () => {
  it("lists every event", async () => {
    const readme = await readFile(join(packageFolder, "README.md"), "utf8");
    for (const type of eventTypes) expect(readme).toContain(`| \`${type}\` |`);
  });
});
