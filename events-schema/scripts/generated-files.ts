import { join } from "node:path";
import { z } from "zod";
import manifest from "../package.json" with { type: "json" };
import { catalog, type EventType, eventSchema, eventTypes, exampleOf, SOURCE } from "../src/index.ts";
import { asyncApi } from "./asyncapi.ts";
import { jsonText, namesIn, removeFile, textOf, writeText } from "./package-folder.ts";

/** The folders that hold generated files and nothing else. */
const FOLDERS = ["json", "examples"];

/**
 * zod adds a long pattern to `format: date-time`, whose only addition to the format is that times are
 * in UTC.
 */
const UTC = "Z$";

/**
 * The JSON Schema (draft 2020-12) of a whole EventBridge event. `io: "input"`, for zod's default
 * forbids additional properties, and readers ignore unknown fields.
 */
export const jsonSchemaOf = (type: EventType): Record<string, unknown> => ({
  $id: `urn:${SOURCE}:${type}:${catalog[type].version}`,
  title: type,
  ...z.toJSONSchema(eventSchema(type), {
    target: "draft-2020-12",
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === "date-time") jsonSchema.pattern = UTC;
    },
  }),
});

const index = {
  source: SOURCE,
  events: eventTypes.map((type) => ({
    "detail-type": type,
    version: catalog[type].version,
    description: catalog[type].description,
    schema: `json/${type}.json`,
    example: `examples/${type}.json`,
  })),
};

/** Every generated file's text by its path from the package's folder. */
export const generatedFiles = (): Map<string, string> =>
  new Map([
    ["json/index.json", jsonText(index)],
    ["asyncapi.json", jsonText(asyncApi(jsonSchemaOf, manifest.version))],
    ...eventTypes.map((type): [string, string] => [`json/${type}.json`, jsonText(jsonSchemaOf(type))]),
    ...eventTypes.map((type): [string, string] => [`examples/${type}.json`, jsonText(exampleOf(type))]),
  ]);

async function extraFiles(root: string, files: Map<string, string>): Promise<string[]> {
  const present = await Promise.all(
    FOLDERS.map(async (folder) => (await namesIn(join(root, folder))).map((name) => `${folder}/${name}`)),
  );
  return present.flat().filter((name) => !files.has(name));
}

/** Which files differ from what would be generated, a sentence for each; empty if none does. */
export async function drift(root: string): Promise<string[]> {
  const files = generatedFiles();
  const sentences: string[] = [];
  for (const [name, text] of files) {
    const present = await textOf(join(root, name));
    if (present === undefined) sentences.push(`${name} is missing`);
    else if (present !== text) sentences.push(`${name} differs from what events-schema/src says`);
  }
  for (const name of await extraFiles(root, files)) sentences.push(`${name} belongs to no event`);
  return sentences;
}

/**
 * Writes files that are missing or differ, and removes those that belong to no event. Returns the
 * changed paths.
 */
export async function generate(root: string): Promise<string[]> {
  const files = generatedFiles();
  const touched: string[] = [];
  for (const [name, text] of files) {
    if ((await textOf(join(root, name))) === text) continue;
    await writeText(join(root, name), text);
    touched.push(name);
  }
  for (const name of await extraFiles(root, files)) {
    await removeFile(root, name);
    touched.push(name);
  }
  return touched;
}
