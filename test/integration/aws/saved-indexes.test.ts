import { DeleteCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { BLOCK_SIZE } from "#events-schema";
import { dynamoSavedIndexes } from "../../../services/aws/saved-indexes.ts";
import { openLedgerTable } from "../../fixtures/ledger-table.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { randomFrom } from "../../fixtures/random.ts";
import { indexOf, savedIndexesContract } from "../../ports/saved-indexes.suite.ts";

savedIndexesContract("DynamoDB", async () => {
  const { client, table } = await openLedgerTable();
  return () => dynamoSavedIndexes(client, table);
});

/** Packets at times that don't compress. */
function noise(count: number) {
  const random = randomFrom(1);
  return indexOf(
    Array.from({ length: count }, () => ({ time: Math.floor(random() * 1e9) / 1e6, duration: 0.04, key: true })),
  );
}

it("keeps a large index in several items, and ignores them unless all exist", async () => {
  const { client, table } = await openLedgerTable();
  const indexes = dynamoSavedIndexes(client, table);
  const index = noise(200_000);
  expect(await indexes.save(BLOCK_SIZE, { index, truncated: false }, NEVER)).toBe(true);
  expect((await indexes.load(BLOCK_SIZE, NEVER))?.index.times).toEqual(index.times);
  await client.send(new DeleteCommand({ TableName: table, Key: { id: `index#${BLOCK_SIZE}#1` } }));
  expect(await indexes.load(BLOCK_SIZE, NEVER)).toBeUndefined();
});

it("doesn't keep an index of more than 8 MB", { tags: "full" }, async () => {
  const { client, table } = await openLedgerTable();
  const indexes = dynamoSavedIndexes(client, table);
  expect(await indexes.save(BLOCK_SIZE, { index: noise(3_000_000), truncated: false }, NEVER)).toBe(false);
  expect(await indexes.load(BLOCK_SIZE, NEVER)).toBeUndefined();
});

it("takes an item that it can't read for none", async () => {
  const { client, table } = await openLedgerTable();
  const Item = {
    ...{ id: `index#${BLOCK_SIZE}#0`, parts: 1, expiration: Math.floor(Date.now() / 1_000) + 60 },
    bytes: Buffer.from("another version"),
  };
  await client.send(new PutCommand({ TableName: table, Item }));
  expect(await dynamoSavedIndexes(client, table).load(BLOCK_SIZE, NEVER)).toBeUndefined();
});
