import type { ServerResponse } from "node:http";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { BLOCK_SIZE } from "#events-schema";
import { dynamoLedger } from "../../../services/aws/ledger.ts";
import { dynamoUploadLedger } from "../../../services/aws/upload-ledger.ts";
import { losingFirstAnswer, openLedgerTable } from "../../fixtures/ledger-table.ts";
import { ledgerContracts, type OpenLedger, segment } from "../../ports/ledger.suite.ts";
import { uploadLedgerContract } from "../../ports/upload-ledger.suite.ts";

const openLedger: OpenLedger = async () => {
  const { client, table } = await openLedgerTable();
  return (hash) => ({ ...dynamoLedger(client, table, hash), ...dynamoUploadLedger(client, table, hash) });
};

ledgerContracts("DynamoDB", openLedger);
uploadLedgerContract("DynamoDB", openLedger);

it("stores a proof's audio as `sound`, the name that recorded segments have", async () => {
  const { client, table } = await openLedgerTable();
  const ledger = dynamoLedger(client, table);
  await ledger.recordSegment(BLOCK_SIZE, 0, segment);
  const Key = { id: `segment#${BLOCK_SIZE}#0` };
  const { Item } = await client.send(new GetCommand({ TableName: table, Key }));
  expect(Item?.proof).toMatchObject({ sound: segment.proof.audio });
  expect(Item?.proof).not.toHaveProperty("audio");
});

describe("an update whose answer is lost, so that the SDK sends it again", () => {
  it("is one choice, and the first", async () => {
    const { intercept, sent } = losingFirstAnswer("UpdateItem");
    const { client, table } = await openLedgerTable(intercept);
    const ledger = dynamoLedger(client, table);
    const videoId = await ledger.claimBlock("source");
    const choice = { segmentSeconds: 30, cut: "keyframe" as const, outputKeyPrefix: "segments/" };
    expect(await ledger.choose(videoId, choice)).toEqual({ choice, isFirst: true });
    expect(sent()).toBe(2);
  });

  it("is one request", async () => {
    const { intercept, sent } = losingFirstAnswer("UpdateItem");
    const { client, table } = await openLedgerTable(intercept);
    const uploads = dynamoUploadLedger(client, table);
    await uploads.countRequest("a", 1, 100);
    expect(sent()).toBe(2);
    expect(await uploads.requestsFor("a")).toEqual({ requests: 1, lastRequestAt: 100 });
  });
});

describe("a look-up that fails", () => {
  it("leaves none of the others behind", async () => {
    const open = new Set<ServerResponse>();
    // The tenth look-up fails while the others wait for their answers.
    const { client, table } = await openLedgerTable(({ headers }, response) => {
      if (!String(headers["x-amz-target"]).endsWith(".GetItem")) return false;
      open.add(response);
      response.once("close", () => open.delete(response));
      if (open.size === 10) response.writeHead(400).end(JSON.stringify({ __type: "ValidationException" }));
      return true;
    });
    const looking = dynamoLedger(client, table).delivered(BLOCK_SIZE, { first: 0, last: 39 });
    await expect(looking).rejects.toMatchObject({ name: "ValidationException" });
    await expect.poll(() => open.size).toBe(0);
  });
});
