import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { documentClient } from "../../../services/aws/dynamodb.ts";
import { UnreadableDocumentError } from "../../../services/aws/video-document-item.ts";
import { ContendedDocumentError, dynamoVideoDocuments } from "../../../services/aws/video-documents.ts";
import type { SplitUpload, VideoRecord } from "../../../services/projector/domain/document.ts";
import { fold } from "../../../services/projector/domain/fold.ts";
import { type DocumentEvent, documentId } from "../../../services/projector/domain/identity.ts";
import { announced, plannedData, rejectedData, splitData, UPLOAD } from "../../unit/projector/events-of-a-run.ts";
import { openVideosTable, REGION, TABLE, type VideosTable } from "./videos-table.ts";

const planned = announced("SplitPlanned", 100, plannedData());
const rejected = announced("VideoRejected", 200, rejectedData());
const split = announced("VideoSplit", 300, splitData());

let table: VideosTable;
let documents: ReturnType<typeof dynamoVideoDocuments>;

beforeAll(async () => {
  table = await openVideosTable();
  documents = dynamoVideoDocuments(table.client, TABLE);
});
afterAll(() => table.close());
beforeEach(() => table.client.send(new DeleteCommand({ TableName: TABLE, Key: { VideoId: UPLOAD } })));

const project = (event: DocumentEvent) => documents.evolve(documentId(event), (document) => fold(document, event));

const item = async () => (await table.client.send(new GetCommand({ TableName: TABLE, Key: { VideoId: UPLOAD } }))).Item;

describe("evolving a document", () => {
  it("given a removed field, then its attribute is removed", async () => {
    await project(rejected);
    expect(await item()).toHaveProperty("rejection");
    await project(split);
    expect(await item()).not.toHaveProperty("rejection");
    expect(await item()).toEqual(fold(fold(undefined, rejected), split));
  });

  it("given an item that says it is a document and isn't, then it throws and names the attribute", async () => {
    await table.client.send(
      new PutCommand({
        TableName: TABLE,
        Item: { VideoId: UPLOAD, process_step: "upload", status: "split", bytes: "9" },
      }),
    );
    await expect(project(planned)).rejects.toThrow(UnreadableDocumentError);
    await expect(project(planned)).rejects.toThrow(/bytes: .*number/);
  });
});

describe("attributes that others add to a document", () => {
  it("given one, then no write changes it", async () => {
    await project(planned);
    const label = { scene: "beach", tags: new Set(["sea", "sand"]) };
    await table.client.send(
      new UpdateCommand({
        TableName: TABLE,
        Key: { VideoId: UPLOAD },
        UpdateExpression: "SET label = :label",
        ExpressionAttributeValues: { ":label": label },
      }),
    );
    await project(split);
    expect(await item()).toEqual({ ...fold(fold(undefined, planned), split), label });
  });

  it("given a number that JavaScript can't hold, then it is ignored", async () => {
    await project(planned);
    const exact = "1234567890123456789.0123456789012345678";
    const plain = new DynamoDBClient({ region: REGION });
    await plain.send(
      new UpdateItemCommand({
        TableName: TABLE,
        Key: { VideoId: { N: String(UPLOAD) } },
        UpdateExpression: "SET exact = :exact",
        ExpressionAttributeValues: { ":exact": { N: exact } },
      }),
    );
    plain.destroy();
    expect(await project(split)).toBe("changed");
    expect(await documents.get(UPLOAD)).toMatchObject({ status: "split" });
  });

  it("given others came before the first event, then the document joins what they wrote", async () => {
    await table.client.send(
      new PutCommand({ TableName: TABLE, Item: { VideoId: UPLOAD, label: "sea", name: "theirs" } }),
    );
    expect(await documents.get(UPLOAD)).toBeUndefined();
    await project(planned);
    expect(await item()).toEqual({ ...fold(undefined, planned), label: "sea" });
  });

  it("given one that has the name of a segment's field on an upload, then it is theirs", async () => {
    await project(planned);
    await table.client.send(
      new UpdateCommand({
        TableName: TABLE,
        Key: { VideoId: UPLOAD },
        UpdateExpression: "SET checksum = :theirs",
        ExpressionAttributeValues: { ":theirs": 7 },
      }),
    );
    await project(split);
    expect(await item()).toHaveProperty("checksum", 7);
  });
});

/** Counting isn't idempotent, so one lost update is one too few. */
const countOneFrame = (document: VideoRecord | undefined): VideoRecord => ({
  ...(document as SplitUpload),
  frames: (document as SplitUpload).frames + 1,
});

/** A client that runs a function between reading and writing. */
function clientThatWaits(meanwhile: () => Promise<void>): DynamoDBDocumentClient {
  const client = documentClient(REGION);
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (command) => {
        if (commandName === "UpdateItemCommand") await meanwhile();
        return next(command);
      },
    { step: "initialize" },
  );
  return client;
}

describe("several writers of one document at the same time", () => {
  it("given one that writes other fields between another's reading and writing, then the other folds again", async () => {
    const fields = { duration: 61.5, fps: 30 };
    await project(announced("SplitPlanned", 100, plannedData(fields)));
    const contradiction = announced("SplitPlanned", 100, plannedData({ ...fields, duration: 10 }));
    const measured = announced("VideoSplit", 100, splitData({ ...fields, fps: 25 }));

    let concurrent: Promise<unknown> | undefined;
    const interrupted = clientThatWaits(async () => {
      concurrent ??= project(contradiction);
      await concurrent;
    });
    await dynamoVideoDocuments(interrupted, TABLE).evolve(UPLOAD, (document) => fold(document, measured));
    interrupted.destroy();

    expect(await concurrent).toBe("changed");
    expect(await documents.get(UPLOAD)).toMatchObject({ status: "split", duration: 61.5, fps: 25 });
  });

  it("given one that is changed before each attempt, then it fails with an error after some attempts", async () => {
    await project(split);
    const contended = clientThatWaits(async () => void (await documents.evolve(UPLOAD, countOneFrame)));
    const evolving = dynamoVideoDocuments(contended, TABLE).evolve(UPLOAD, countOneFrame);
    await expect(evolving).rejects.toThrow(ContendedDocumentError);
    contended.destroy();
  });
});
