import { readFileSync } from "node:fs";
import { join } from "node:path";
import catalog from "../../events-schema/json/index.json" with { type: "json" };
import { eventOpenApi, type JsonSchema } from "../packaging/open-api.ts";

const schemaOf = (file: string): JsonSchema =>
  JSON.parse(readFileSync(join($cli.paths.root, "events-schema", file), "utf8")) as JsonSchema;

/**
 * A registry with the published schema of each event, named as EventBridge's own discovery names
 * them.
 */
export function createSchemaRegistry(name: string): aws.schemas.Registry {
  const registry = new aws.schemas.Registry("EventSchemas", { name, description: "The events of Video Split." });
  for (const { "detail-type": detailType, description, schema } of catalog.events) {
    new aws.schemas.Schema(`${detailType}Schema`, {
      registryName: registry.name,
      name: `${catalog.source}@${detailType}`,
      description,
      type: "OpenApi3",
      content: JSON.stringify(eventOpenApi(schemaOf(schema), { source: catalog.source, detailType })),
    });
  }
  return registry;
}
