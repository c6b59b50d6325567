import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SEGMENTS_INDEX } from "../../../infra/topology.ts";
import { dynamoVideoDocuments, listSegments, VideoTableError } from "../../../services/aws/video-documents.ts";
import { fold } from "../../../services/projector/domain/fold.ts";
import { type DocumentEvent, documentId } from "../../../services/projector/domain/identity.ts";
import { announced, plannedData, segmentData, UPLOAD } from "../../unit/projector/events-of-a-run.ts";
import { openVideosTable, TABLE, type VideosTable } from "./videos-table.ts";

let table: VideosTable;

beforeAll(async () => {
  table = await openVideosTable();
});
afterAll(() => table.close());

const project = (event: DocumentEvent) =>
  dynamoVideoDocuments(table.client, TABLE).evolve(documentId(event), (document) => fold(document, event));

describe("a table that can't hold video documents", () => {
  it("given it doesn't exist, then the error names it and the setting", async () => {
    const wrong = dynamoVideoDocuments(table.client, "vidoes");
    await expect(wrong.get(UPLOAD)).rejects.toThrow(VideoTableError);
    await expect(wrong.get(UPLOAD)).rejects.toThrow(/"vidoes".*dynamodb\.table_id/);
  });

  it("given it has another key, then the error says which key it needs", async () => {
    await table.client.send(
      new CreateTableCommand({
        TableName: "other",
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      }),
    );
    await expect(dynamoVideoDocuments(table.client, "other").get(UPLOAD)).rejects.toThrow(
      /only key is the number VideoId/,
    );
  });
});

describe("listing the segments of a video", () => {
  it("given they were announced out of order, then they are listed in order, without the upload and other uploads' segments", async () => {
    await project(announced("SplitPlanned", 0, plannedData()));
    const indexes = [2, 0, 11, 1];
    for (const index of indexes) await project(announced("SegmentCreated", 0, segmentData(index)));
    const listed = await listSegments(table.client, { tableName: TABLE, indexName: SEGMENTS_INDEX }, UPLOAD);
    expect(listed.map(({ segment_index }) => segment_index)).toEqual([0, 1, 2, 11]);
    expect(listed[0]).toEqual(fold(undefined, announced("SegmentCreated", 0, segmentData(0))));
    expect(await listSegments(table.client, { tableName: TABLE, indexName: SEGMENTS_INDEX }, UPLOAD + 1)).toEqual([]);
  });

  it("given the table has no such index, then the error says so", async () => {
    const listing = listSegments(table.client, { tableName: TABLE, indexName: "nope" }, UPLOAD);
    await expect(listing).rejects.toThrow(VideoTableError);
  });
});
