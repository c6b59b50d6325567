import { describe, expect, it } from "vitest";
import { dynamoLedger } from "../../../services/aws/ledger.ts";
import { dynamoUploadLedger } from "../../../services/aws/upload-ledger.ts";
import { losingFirstAnswer, openLedgerTable } from "../../fixtures/ledger-table.ts";

/** A hash by which every source lands on block 1 at salt 0, on block 2 at salt 1, and so on. */
const colliding = (text: string): Uint8Array => {
  const [, salt = 0] = JSON.parse(text) as [string, number?];
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(salt + 1) << 25n);
  return bytes;
};

async function open() {
  const { client, table } = await openLedgerTable();
  return { ledger: dynamoLedger(client, table, colliding), uploads: dynamoUploadLedger(client, table, colliding) };
}

describe("what the ledger knows of uploads", () => {
  it("is when the reconciler ran first, ever after", async () => {
    const { uploads } = await open();
    expect([await uploads.beginning(100), await uploads.beginning(200)]).toEqual([100, 100]);
  });

  it("is whether one has ended, also where others have the blocks before", async () => {
    const { ledger, uploads } = await open();
    await ledger.claimBlock("a");
    const videoId = await ledger.claimBlock("b");
    expect([await uploads.hasEnded("a"), await uploads.hasEnded("b"), await uploads.hasEnded("c")]).toEqual([
      false,
      false,
      false,
    ]);
    await ledger.recordEnding(videoId, "split");
    expect([await uploads.hasEnded("a"), await uploads.hasEnded("b")]).toEqual([false, true]);
    expect(await ledger.claimBlock("b")).toBe(videoId);
  });
});

describe("requests for an upload", () => {
  it("are counted, each with its time", async () => {
    const { client, table } = await openLedgerTable();
    const uploads = dynamoUploadLedger(client, table);
    expect(await uploads.requestsFor("a")).toEqual({ requests: 0, lastRequestAt: undefined });
    await uploads.countRequest("a", 1, 100);
    await uploads.countRequest("a", 2, 200);
    await uploads.countRequest("b", 1, 300);
    expect(await uploads.requestsFor("a")).toEqual({ requests: 2, lastRequestAt: 200 });
  });

  it("are counted once where the answer is lost and the SDK sends the update again", async () => {
    const { intercept, sent } = losingFirstAnswer("UpdateItem");
    const { client, table } = await openLedgerTable(intercept);
    const uploads = dynamoUploadLedger(client, table);
    await uploads.countRequest("a", 1, 100);
    expect(sent()).toBe(2);
    expect(await uploads.requestsFor("a")).toEqual({ requests: 1, lastRequestAt: 100 });
  });
});
