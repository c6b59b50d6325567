import type { Settings } from "../settings.ts";
import { TABLES, type TableId, type TableSpec } from "../topology.ts";

/**
 * SST's names for a table's shape. Only the attributes of keys are declared; DynamoDB has no schema
 * for the others.
 */
function shapeOf({ key, indexes, ttl }: TableSpec) {
  const keys = [key, ...Object.values(indexes).flatMap(({ hash, range }) => [hash, range])];
  return {
    fields: Object.fromEntries(keys.map(({ name, type }) => [name, type])),
    primaryIndex: { hashKey: key.name },
    globalIndexes: Object.fromEntries(
      Object.entries(indexes).map(([name, { hash, range }]) => [name, { hashKey: hash.name, rangeKey: range.name }]),
    ),
    ...(ttl !== undefined && { ttl }),
  };
}

const createTable = (name: string, spec: TableSpec): sst.aws.Dynamo =>
  new sst.aws.Dynamo(name, { ...shapeOf(spec), deletionProtection: $app.removal !== "remove" });

/**
 * The documents' table, the stage's own or the one that the settings name, and the ledger. The
 * stage's own table always exists, as its buckets do.
 */
export function createTables(settings: Settings): Record<TableId, sst.aws.Dynamo> {
  const own = createTable("Videos", TABLES.videos);
  const existing = settings["dynamodb.table_id"];
  return {
    videos: existing === null ? own : sst.aws.Dynamo.get("AttachedVideos", existing),
    ledger: createTable("Ledger", TABLES.ledger),
  };
}
