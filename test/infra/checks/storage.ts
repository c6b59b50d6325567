import type { TableId, TableSpec } from "../../../infra/topology.ts";
import { type Check, same } from "../check.ts";
import type { Graph } from "../graph.ts";
import type { Resource } from "../synth/contract.ts";

const TABLE = "dynamodb/table:Table";
const ARCHIVE = "cloudwatch/eventArchive:EventArchive";
const BUS = "cloudwatch/eventBus:EventBus";

const TYPES = { number: "N", string: "S" } as const;

const tableOf = (graph: Graph, id: TableId): Resource =>
  graph.named(TABLE, `${id.charAt(0).toUpperCase()}${id.slice(1)}Table`);

/** Of the tables that the stage makes. */
const ofEach = (graph: Graph, faultsOf: (id: TableId, table: Resource) => string[]): string[] =>
  (Object.keys(graph.topology.tables) as TableId[]).flatMap((id) => {
    const table = tableOf(graph, id);
    return table.options.read ? [] : faultsOf(id, table);
  });

const keysOf = ({ key, indexes }: TableSpec): Record<string, string> =>
  Object.fromEntries(
    [key, ...Object.values(indexes).flatMap(({ hash, range }) => [hash, range])].map(({ name, type }) => [
      name,
      TYPES[type],
    ]),
  );

type Index = { name: string; hashKey: string; rangeKey: string; projectionType: string };

export const storage: Check[] = [
  {
    says: "each table has the topology's key and indexes",
    faults: (graph) =>
      ofEach(graph, (id, { inputs }) => {
        const spec = graph.topology.tables[id];
        const attributes = (inputs.attributes ?? []) as { name: string; type: string }[];
        const indexes = ((inputs.globalSecondaryIndexes ?? []) as Index[]).map(
          ({ name, hashKey, rangeKey, projectionType }) => [name, hashKey, rangeKey, projectionType],
        );
        return [
          ...same(`${id}'s key`, [inputs.hashKey, inputs.rangeKey], [spec.key.name, undefined]),
          ...same(
            `${id}'s attributes`,
            Object.fromEntries(attributes.map((each) => [each.name, each.type])),
            keysOf(spec),
          ),
          ...same(
            `${id}'s indexes`,
            indexes,
            Object.entries(spec.indexes).map(([name, { hash, range }]) => [name, hash.name, range.name, "ALL"]),
          ),
        ];
      }),
    broken: {
      "another key": (graph) => graph.with(TABLE, () => ({ hashKey: "id2" })),
      "a key of another type": (graph) => graph.with(TABLE, () => ({ attributes: [{ name: "id", type: "N" }] })),
      "another index": (graph) =>
        graph.with(TABLE, () => ({ globalSecondaryIndexes: [{ name: "i", hashKey: "h", rangeKey: "r" }] })),
    },
  },
  {
    says: "the ledger deletes by its time to live, and tables are billed by request",
    faults: (graph) =>
      ofEach(graph, (id, { inputs }) => {
        const { ttl } = graph.topology.tables[id];
        return [
          ...same(`${id}'s ttl`, inputs.ttl, ttl === undefined ? undefined : { attributeName: ttl, enabled: true }),
          ...same(`${id}'s billing`, inputs.billingMode, "PAY_PER_REQUEST"),
        ];
      }),
    broken: {
      "no ttl": (graph) => graph.with(TABLE, () => ({ ttl: undefined })),
      "provisioned capacity": (graph) => graph.with(TABLE, () => ({ billingMode: "PROVISIONED" })),
    },
  },
  {
    says: "each table can be brought back to any second of the last weeks",
    faults: (graph) =>
      ofEach(graph, (id, { inputs }) => same(`${id}'s recovery`, inputs.pointInTimeRecovery, { enabled: true })),
    broken: { "no recovery": (graph) => graph.with(TABLE, () => ({ pointInTimeRecovery: undefined })) },
  },
  {
    says: "the archive keeps every event of the video bus for as long as the topology says",
    faults: (graph) => {
      const { archive } = graph.topology;
      const bus = graph.find(BUS, "name", graph.topology.buses.video.name);
      const actual = graph
        .all(ARCHIVE)
        .map(({ inputs }) => [inputs.name, inputs.eventSourceArn, inputs.retentionDays, inputs.eventPattern]);
      return same("the archives", actual, [[archive.name, bus?.state.arn, archive.retentionDays, undefined]]);
    },
    broken: {
      "no archive": (graph) => graph.without(ARCHIVE),
      "another bus": (graph) => graph.with(ARCHIVE, () => ({ eventSourceArn: "arn:other" })),
      "some events only": (graph) => graph.with(ARCHIVE, () => ({ eventPattern: "{}" })),
      "30 days": (graph) => graph.with(ARCHIVE, () => ({ retentionDays: 30 })),
    },
  },
  {
    says: "a production stage keeps its videos, documents and log when it's removed, and can't be removed by mistake",
    faults: (graph) => {
      const production = graph.synthesis.app.stage === "production";
      const { removal, protect } = graph.synthesis.app;
      const tables = graph.all(TABLE).filter(({ options }) => !options.read);
      const made = graph.all("s3/bucket:Bucket").filter(({ options }) => !options.read);
      const kept = [...tables, ...made, ...graph.all(ARCHIVE)];
      return [
        ...same("removal and protection", [removal, protect], production ? ["retain", true] : ["remove", false]),
        ...kept.flatMap(({ name, options }) => same(`${name} is retained`, options.retainOnDelete, production)),
        ...tables.flatMap(({ name, inputs }) =>
          same(`${name} is protected`, inputs.deletionProtectionEnabled, production),
        ),
        ...made.flatMap(({ name, inputs }) => same(`${name} goes with its objects`, inputs.forceDestroy, !production)),
      ];
    },
    broken: {
      "tables the other way": (graph) =>
        graph.withOptions(TABLE, { retainOnDelete: graph.synthesis.app.stage !== "production" }),
      "archive the other way": (graph) =>
        graph.withOptions(ARCHIVE, { retainOnDelete: graph.synthesis.app.stage !== "production" }),
      "deletion protection the other way": (graph) =>
        graph.with(TABLE, ({ deletionProtectionEnabled }) => ({
          deletionProtectionEnabled: !deletionProtectionEnabled,
        })),
    },
  },
];
