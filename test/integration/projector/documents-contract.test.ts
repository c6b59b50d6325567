import { onTestFinished } from "vitest";
import { dynamoVideoDocuments } from "../../../services/aws/video-documents.ts";
import { videoDocumentsContract } from "../../ports/video-documents.suite.ts";
import { openVideosTable, TABLE } from "./videos-table.ts";

videoDocumentsContract("DynamoDB", async () => {
  const { client, close } = await openVideosTable();
  onTestFinished(close);
  return dynamoVideoDocuments(client, TABLE);
});
