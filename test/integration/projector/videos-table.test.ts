import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { QueryCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SEGMENTS_INDEX } from "../../../infra/topology.ts";
import { documentOf } from "../../../services/aws/video-document-item.ts";
import { dynamoVideoDocuments, VideoTableError } from "../../../services/aws/video-documents.ts";
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

describe("the index of segments", () => {
  it("given they were announced out of order, then it lists them in order, without the upload and other uploads' segments", async () => {
    await project(announced("SplitPlanned", 0, plannedData()));
    for (const index of [2, 0, 11, 1]) await project(announced("SegmentCreated", 0, segmentData(index)));
    const list = async (parent: number) => {
      const query = new QueryCommand({
        TableName: TABLE,
        IndexName: SEGMENTS_INDEX,
        KeyConditionExpression: "parent_video = :parent",
        ExpressionAttributeValues: { ":parent": parent },
      });
      return (await table.client.send(query)).Items!.map(documentOf);
    };
    const listed = await list(UPLOAD);
    expect(listed.map((document) => document && "segment_index" in document && document.segment_index)).toEqual([
      0, 1, 2, 11,
    ]);
    expect(listed[0]).toEqual(fold(undefined, announced("SegmentCreated", 0, segmentData(0))));
    expect(await list(UPLOAD + 1)).toEqual([]);
  });
});
