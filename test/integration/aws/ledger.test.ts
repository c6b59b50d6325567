import type { ServerResponse } from "node:http";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import { BLOCK_SIZE } from "#events-schema";
import { dynamoLedger } from "../../../services/aws/ledger.ts";
import type { CutChoice, DeliveredSegment } from "../../../services/split/ports/ledger.ts";
import { losingFirstAnswer, openLedgerTable } from "../../fixtures/ledger-table.ts";

const choice: CutChoice = { segmentSeconds: 30, cut: "keyframe", outputKeyPrefix: "segments/" };

/** A hash by which every source lands on block 1 at salt 0, on block 2 at salt 1, and so on. */
const colliding = (text: string): Uint8Array => {
  const [, salt = 0] = JSON.parse(text) as [string, number?];
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
  it("keeps the first choice, whatever a later attempt wishes, and knows the first attempt", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table);
    const videoId = await ledger.claimBlock("source");
    expect(await ledger.choose(videoId, choice)).toEqual({ choice, isFirst: true });
    const other = { segmentSeconds: 5, cut: "exact" as const, outputKeyPrefix: "other/" };
    expect(await ledger.choose(videoId, other)).toEqual({ choice, isFirst: false });
  });

  it("is the first attempt where the answer is lost and the SDK sends the update again", async () => {
    const { intercept, sent } = losingFirstAnswer("UpdateItem");
    const { client, table } = await openLedgerTable(intercept);
    const ledger = dynamoLedger(client, table);
    const videoId = await ledger.claimBlock("source");
    expect(await ledger.choose(videoId, choice)).toEqual({ choice, isFirst: true });
    expect(sent()).toBe(2);
  });
});

describe("recalling a video", () => {
  it("knows nothing of one that is only claimed, then its choice, and then that it's split", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table);
    const videoId = await ledger.claimBlock("source");
    expect(await ledger.recall(videoId)).toEqual({ choice: undefined, isSplit: false });
    await ledger.choose(videoId, choice);
    expect(await ledger.recall(videoId)).toEqual({ choice, isSplit: false });
    await ledger.recordEnding(videoId, "split");
    expect(await ledger.recall(videoId)).toEqual({ choice, isSplit: true });
  });

  it("forgets a choice that is released, and the next attempt is a first one", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table);
    const videoId = await ledger.claimBlock("source");
    await ledger.choose(videoId, choice);
    await ledger.release(videoId);
    expect(await ledger.recall(videoId)).toEqual({ choice: undefined, isSplit: false });
    const other = { ...choice, segmentSeconds: 5 };
    expect(await ledger.choose(videoId, other)).toEqual({ choice: other, isFirst: true });
    expect(await ledger.claimBlock("source")).toBe(videoId);
  });

  it.each(["rejected", "given up"] as const)(
    "stays split where an attempt that was slow ends it as %s",
    async (ending) => {
      const { client, table } = await openLedgerTable();
      const ledger = dynamoLedger(client, table);
      const videoId = await ledger.claimBlock("source");
      await ledger.recordEnding(videoId, ending);
      expect((await ledger.recall(videoId)).isSplit).toBe(false);
      await ledger.recordEnding(videoId, "split");
      await ledger.recordEnding(videoId, ending);
      expect((await ledger.recall(videoId)).isSplit).toBe(true);
    },
  );
});

describe("knowing what was delivered", () => {
  const segment: DeliveredSegment = {
    object: {
      bucket: "segments",
      prefixTemplate: "segments/{video_name}/",
      extension: "mp4",
      bytes: 12,
      checksum: `sha256:${"0".repeat(64)}`,
      frames: 50,
      made: "stitched",
      videoCodec: "h264",
      audioCodecs: ["aac"],
    },
    proof: { frames: 50, start: 0, end: 2, copiedFrames: 40, largestTimeError: 0, largestAudioOffset: 0.001 },
    announced: false,
  };

  it("finds the segments of a video as they were last recorded, and no others", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table);
    await ledger.recordSegment(BLOCK_SIZE, 0, segment);
    await ledger.recordSegment(BLOCK_SIZE, 40, segment);
    await ledger.recordSegment(BLOCK_SIZE, 40, { ...segment, announced: true });
    await ledger.recordSegment(2 * BLOCK_SIZE, 1, segment);
    const found = await ledger.delivered(BLOCK_SIZE, 41);
    expect([...found].sort(([one], [other]) => one - other)).toEqual([
      [0, segment],
      [40, { ...segment, announced: true }],
    ]);
  });

  it("doesn't find what has expired, and is only still shown", async () => {
    const { client, table } = await openLedgerTable();
    const ledger = dynamoLedger(client, table);
    await ledger.recordSegment(BLOCK_SIZE, 0, segment);
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: { id: `segment#${BLOCK_SIZE}#0` },
        UpdateExpression: "SET expiration = :past",
        ExpressionAttributeValues: { ":past": 1 },
      }),
    );
    expect(await ledger.delivered(BLOCK_SIZE, 1)).toEqual(new Map());
  });

  it("leaves no look-up behind when one fails", async () => {
    const open = new Set<ServerResponse>();
    // The tenth look-up fails while the others wait for their answers.
    const { client, table } = await openLedgerTable(({ headers }, response) => {
      if (!String(headers["x-amz-target"]).endsWith(".GetItem")) return false;
      open.add(response);
      response.once("close", () => open.delete(response));
      if (open.size === 10) response.writeHead(400).end(JSON.stringify({ __type: "ValidationException" }));
      return true;
    });
    const looking = dynamoLedger(client, table).delivered(BLOCK_SIZE, 40);
    await expect(looking).rejects.toMatchObject({ name: "ValidationException" });
    await expect.poll(() => open.size).toBe(0);
  });
});
