import { readFile } from "node:fs/promises";
import type { Context } from "aws-lambda";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { InvalidEventError, UnknownEventError } from "#events-schema";
import { dynamoVideoDocuments } from "../../../services/aws/video-documents.ts";
import { handler } from "../../../services/projector/handler.ts";
import { announced, segmentData } from "../../unit/projector/events-of-a-run.ts";
import { openVideosTable, REGION, TABLE, type VideosTable } from "./videos-table.ts";

type Example = { detail: { data: { VideoId: number }; metadata: { occurredAt: string; correlationId: string } } };

const example = async (type: string): Promise<Example> =>
  JSON.parse(await readFile(new URL(`../../../events-schema/examples/${type}.json`, import.meta.url), "utf8"));

const context = { awsRequestId: "request-1", functionName: "projector" } as Context;

let table: VideosTable;
const lines: string[] = [];

beforeAll(async () => {
  // A day after the examples, whatever this machine's clock says.
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-24T12:00:00Z") });
  table = await openVideosTable();
  vi.stubEnv("DYNAMODB_TABLE_ID", TABLE);
  vi.stubEnv("DYNAMODB_REGION", REGION);
  vi.stubEnv("POWERTOOLS_METRICS_NAMESPACE", "VideoSplit/test");
  vi.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
});
afterAll(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await table.close();
});

beforeEach(() => {
  lines.length = 0;
});

const written = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line));
const logged = () => written().filter((line) => "message" in line);
/** Lines in CloudWatch's embedded metric format. */
const metrics = () => written().filter((line) => "_aws" in line);

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

  it("given an event that is not ours or invalid, then it throws, so that it ends as a dead letter", async () => {
    const event = await example("VideoSplit");
    await expect(handler({ ...event, source: "aws.s3" }, context)).rejects.toThrow(UnknownEventError);
    await expect(handler({ ...event, detail: {} }, context)).rejects.toThrow(InvalidEventError);
  });

  it("logs the ids that find an upload's lines again", async () => {
    const event = await example("SplitPlanned");
    await handler(event, context);
    expect(logged()).toMatchObject([
      {
        request_id: "request-1",
        correlation_id: event.detail.metadata.correlationId,
        video_id: event.detail.data.VideoId,
      },
    ]);
  });
});

describe("the projector's metrics", () => {
  it("given an event that was just announced, then measure how late its document is", async () => {
    const { metadata, data } = announced("SegmentCreated", 0, segmentData(2));
    const { VideoId } = data;
    const detail = { metadata: { ...metadata, occurredAt: new Date().toISOString() }, data };
    expect(await handler({ ...(await example("SegmentCreated")), detail }, context)).toEqual({
      outcome: "changed",
      VideoId,
    });
    expect(metrics()).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: "VideoSplit/test",
              Dimensions: [["service"]],
              Metrics: [
                { Name: "EventsProjected", Unit: "Count" },
                { Name: "ProjectionLag", Unit: "Seconds" },
              ],
            },
          ],
        },
        service: "projector",
        EventsProjected: 1,
        request_id: "request-1",
        video_id: VideoId,
      },
    ]);
    expect(metrics()[0]?.ProjectionLag).toBeLessThan(50);
  });

  it("given SplitRequested, or an event that is broken, then nothing is written but the log", async () => {
    await handler(await example("SplitRequested"), context);
    await handler({ ...(await example("VideoSplit")), detail: {} }, context).catch(() => {});
    expect(metrics()).toEqual([]);
    expect(written()).toEqual(logged());
  });

  it("given an event that fails, then have nothing of it, and the next invocation has only its own", async () => {
    const event = await example("SegmentCreated");
    const contradiction = { ...event, detail: { ...event.detail, data: { ...event.detail.data, VideoId: 1 } } };
    await expect(handler(contradiction, context)).rejects.toThrow();
    await handler(event, { ...context, awsRequestId: "request-2" });
    expect(metrics()).toMatchObject([{ EventsProjected: 1, request_id: "request-2" }]);
  });
});
