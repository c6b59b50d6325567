import { readFile } from "node:fs/promises";
import type { Context } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { InvalidEventError, UnknownEventError } from "#events-schema";
import { dynamoVideoDocuments } from "../../../services/aws/video-documents.ts";
import { handler } from "../../../services/projector/handler.ts";
import { openVideosTable, REGION, TABLE, type VideosTable } from "./videos-table.ts";

const example = async (type: string): Promise<{ detail: { data: { VideoId: number } } }> =>
  JSON.parse(await readFile(new URL(`../../../events-schema/examples/${type}.json`, import.meta.url), "utf8"));

const context = { awsRequestId: "request-1", functionName: "projector" } as Context;

let table: VideosTable;
const lines: string[] = [];

beforeAll(async () => {
  table = await openVideosTable();
  vi.stubEnv("DYNAMODB_TABLE_ID", TABLE);
  vi.stubEnv("DYNAMODB_REGION", REGION);
  vi.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await table.close();
});

const document = async (type: string) =>
  dynamoVideoDocuments(table.client, TABLE).get((await example(type)).detail.data.VideoId);

describe("the projector's handler", () => {
  it.each([
    ["SplitPlanned", { process_step: "upload", status: "processing" }],
    ["SegmentCreated", { process_step: "timesplit", segment_index: 1 }],
    ["VideoSplit", { process_step: "upload", status: "split" }],
    ["VideoRejected", { process_step: "upload", status: "rejected" }],
  ])("given the example of %s, then its document is in the table", async (type, expected) => {
    const event = await example(type);
    const { VideoId } = event.detail.data;
    expect(await handler(event, context)).toEqual({ outcome: "changed", VideoId });
    expect(await document(type)).toMatchObject({ VideoId, ...expected });
  });

  it("given an event again, as a replay delivers it, then nothing changes", async () => {
    const event = { ...(await example("SegmentCreated")), "replay-name": "rebuild" };
    await handler(event, context);
    expect(await handler(event, context)).toMatchObject({ outcome: "unchanged" });
  });

  it("given SplitRequested, then it is ignored", async () => {
    expect(await handler(await example("SplitRequested"), context)).toEqual({ outcome: "ignored" });
  });

  it("given an event that is not ours or broken, then it throws, so that it ends as a dead letter", async () => {
    const event = await example("VideoSplit");
    await expect(handler({ ...event, source: "aws.s3" }, context)).rejects.toThrow(UnknownEventError);
    await expect(handler({ ...event, detail: {} }, context)).rejects.toThrow(InvalidEventError);
  });

  it("logs the ids that find an upload's lines again", async () => {
    const event = await example("SplitPlanned");
    lines.length = 0;
    await handler(event, context);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        request_id: "request-1",
        correlation_id: "c0441e1a-0000-8000-a000-000000000001",
        video_id: event.detail.data.VideoId,
      },
    ]);
  });
});
