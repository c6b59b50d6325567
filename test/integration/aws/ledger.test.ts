import { describe, expect, it } from "vitest";
import { BLOCK_SIZE } from "#events-schema";
import { dynamoLedger } from "../../../services/aws/ledger.ts";
import type { CutChoice } from "../../../services/split/ports.ts";
import { openLedgerTable } from "../../fixtures/ledger-table.ts";

const choice: CutChoice = { segmentSeconds: 30, cut: "keyframe", outputKeyPrefix: "segments/" };

/** A hash by which every source lands on block 1 at salt 0, on block 2 at salt 1, and so on. */
const colliding = (text: string): Uint8Array => {
  const [, salt] = JSON.parse(text) as [string, number];
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(salt + 1) << 25n);
  return bytes;
};

describe("claiming a block of ids", () => {
  it("gives the same source the same block ever after", async () => {
    const { client, table } = await openLedgerTable();
    const first = await dynamoLedger(client, table).claimBlock("source");
    expect(await dynamoLedger(client, table).claimBlock("source")).toBe(first);
    expect(first % BLOCK_SIZE).toBe(0);
  });

  it("takes the next salt where another source has the block, and comes back to the same one", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table, colliding);
    expect(await ledger.claimBlock("a")).toBe(BLOCK_SIZE);
    expect(await ledger.claimBlock("b")).toBe(2 * BLOCK_SIZE);
    expect(await ledger.claimBlock("c")).toBe(3 * BLOCK_SIZE);
    expect(await ledger.claimBlock("b")).toBe(2 * BLOCK_SIZE);
    expect(await ledger.claimBlock("a")).toBe(BLOCK_SIZE);
  });

  it("never gives one block to two sources that claim at the same time, nor two to one", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table, colliding);
    const claims = await Promise.all(["a", "b", "c", "a", "b", "c"].map((source) => ledger.claimBlock(source)));
    expect(new Set(claims).size).toBe(3);
    expect(claims.slice(0, 3)).toEqual(claims.slice(3));
  });
});

describe("choosing how to cut", () => {
  it("keeps the first choice, whatever a later attempt wishes", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table);
    const videoId = await ledger.claimBlock("source");
    expect(await ledger.choose(videoId, choice)).toEqual(choice);
    expect(await ledger.choose(videoId, { segmentSeconds: 5, cut: "exact", outputKeyPrefix: "other/" })).toEqual(
      choice,
    );
  });
});
