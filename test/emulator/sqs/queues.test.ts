import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  TagQueueCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSqs } from "../../../infra/emulator/sqs/index.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const QUEUES = ["splitFailures", "splitRuleDeadLetters", "other"].map((name) => ({ name, retentionDays: 14 }));

/** The local SQS on a folder, and AWS's client for it. */
async function open(directory?: string, retentionDays = 14) {
  const queues = QUEUES.map(({ name }) => ({ name, retentionDays }));
  const sqs = await openSqs({ directory: directory ?? (await temporaryFolder()), region: REGION, queues });
  const endpoint = await serve(sqs.handle);
  const client = new SQSClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  onTestFinished(() => client.destroy());
  const { QueueUrl = "" } = await client.send(new GetQueueUrlCommand({ QueueName: "splitFailures" }));
  const receive = async (more: object = {}) => {
    const request = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"], ...more };
    return (await client.send(new ReceiveMessageCommand(request))).Messages ?? [];
  };
  const send = (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  return { sqs, client, endpoint, QueueUrl, receive, send };
}

describe("a queue that a client creates", () => {
  it("is listed, keeps its attributes, its tags and its messages through a restart, and goes when it's deleted", async () => {
    const directory = await temporaryFolder();
    const { client, sqs } = await open(directory);
    const Attributes = { MessageRetentionPeriod: "300" };
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "mine", Attributes, tags: { a: "1" } }));
    expect((await client.send(new CreateQueueCommand({ QueueName: "mine" }))).QueueUrl).toBe(QueueUrl);
    await client.send(new TagQueueCommand({ QueueUrl, Tags: { b: "2" } }));
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: "{}" } }));
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "kept" }));
    sqs.close();

    const again = await open(directory);
    const { QueueUrls: [Url] = [] } = await again.client.send(new ListQueuesCommand({ QueueNamePrefix: "mine" }));
    const named = { QueueUrl: Url };
    const all = { ...named, AttributeNames: ["All" as const] };
    expect((await again.client.send(new GetQueueAttributesCommand(all))).Attributes).toMatchObject({
      ...Attributes,
      Policy: "{}",
      ApproximateNumberOfMessages: "1",
    });
    expect((await again.client.send(new ListQueueTagsCommand(named))).Tags).toEqual({ a: "1", b: "2" });
    expect((await again.client.send(new ReceiveMessageCommand(named))).Messages).toMatchObject([{ Body: "kept" }]);
    await again.client.send(new DeleteQueueCommand(named));
    expect(again.sqs.has("mine")).toBe(false);
    again.sqs.close();
    expect((await open(directory)).sqs.has("mine")).toBe(false);
  });

  it("is created once by concurrent requests, and isn't found with other attributes", async () => {
    const { client, sqs } = await open();
    const create = (Attributes: Record<string, string> = {}) =>
      client.send(new CreateQueueCommand({ QueueName: "mine", Attributes }));
    const [{ QueueUrl }] = await Promise.all([create(), create(), create()] as const);
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "once" }));
    expect(sqs.messages("mine")).toHaveLength(1);
    expect((await create({ VisibilityTimeout: "30" })).QueueUrl).toBe(QueueUrl);
    await expect(create({ VisibilityTimeout: "60" })).rejects.toMatchObject({
      name: "QueueNameExists",
      message: "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
    });
  });

  it("is neither FIFO nor one of the stack's", async () => {
    const { client, QueueUrl } = await open();
    const fifo = new CreateQueueCommand({ QueueName: "mine.fifo", Attributes: { FifoQueue: "true" } });
    await expect(client.send(fifo)).rejects.toThrow("no FIFO queues");
    await expect(client.send(new CreateQueueCommand({ QueueName: "a b" }))).rejects.toThrow("1 to 80 in length");
    await expect(client.send(new DeleteQueueCommand({ QueueUrl }))).rejects.toThrow("belongs to the local stack");
  });
});

describe("a local queue, given AWS's own client", () => {
  it("returns a message unchanged, with its attributes, its time and its number of receives", async () => {
    const { client, QueueUrl, receive } = await open();
    const MessageAttributes = { RULE_ARN: { DataType: "String", StringValue: "arn:ä" } };
    const sent = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "größe", MessageAttributes }));
    const [message] = await receive({ MessageSystemAttributeNames: ["All"] });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: "größe",
      MessageAttributes,
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: { ApproximateReceiveCount: "1", SentTimestamp: expect.stringMatching(/^\d{13}$/) },
    });
  });

  it("shows a message to one receiver at a time, and again when it isn't deleted", async () => {
    const { client, QueueUrl, receive, send } = await open();
    await send("once");
    const hands = await Promise.all([receive(), receive()]);
    const [message] = hands.flat();
    expect(hands.flat()).toHaveLength(1);
    expect(await receive()).toEqual([]);
    const ReceiptHandle = message?.ReceiptHandle;
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    const [again] = await receive({ MessageSystemAttributeNames: ["ApproximateReceiveCount"] });
    expect(again).toMatchObject({ Body: "once", Attributes: { ApproximateReceiveCount: "2" } });
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
    expect(await receive({ VisibilityTimeout: 0 })).toEqual([]);
  });

  it("a receiver can wait for the first message", async () => {
    const { receive, send } = await open();
    const waiting = receive({ WaitTimeSeconds: 20 });
    await send("at last");
    expect(await waiting).toMatchObject([{ Body: "at last" }]);
  });

  it("takes and deletes in batches, and reports which failed", async () => {
    const { client, QueueUrl, receive } = await open();
    const bodies = ["a", "b", "c"];
    const Entries = bodies.map((MessageBody) => ({ Id: MessageBody, MessageBody }));
    const sent = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(bodies);
    const [first, second] = await receive();
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: "1", ReceiptHandle: first?.ReceiptHandle },
          { Id: "2", ReceiptHandle: "nonsense" },
          { Id: "3", ReceiptHandle: second?.ReceiptHandle },
        ],
      }),
    );
    expect(deleted.Successful).toHaveLength(2);
    expect(deleted.Failed).toMatchObject([{ Id: "2", Code: "ReceiptHandleIsInvalid" }]);
  });

  it("lists queues by prefix, page by page, and counts what is in them", async () => {
    const { client, QueueUrl, receive, send } = await open();
    const first = await client.send(new ListQueuesCommand({ QueueNamePrefix: "split", MaxResults: 1 }));
    expect(first.QueueUrls).toEqual([QueueUrl]);
    const { QueueUrls } = await client.send(
      new ListQueuesCommand({ QueueNamePrefix: "split", MaxResults: 1, NextToken: first.NextToken }),
    );
    expect(QueueUrls).toEqual([QueueUrl.replace("splitFailures", "splitRuleDeadLetters")]);
    for (const body of ["a", "b", "c"]) await send(body);
    await receive({ MaxNumberOfMessages: 1 });
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    expect(Attributes).toEqual({
      ApproximateNumberOfMessages: "2",
      ApproximateNumberOfMessagesNotVisible: "1",
      QueueArn: `arn:aws:sqs:${REGION}:000000000000:splitFailures`,
    });
    await client.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await receive()).toEqual([]);
  });

  it("has its messages again after a restart, without those that were deleted", async () => {
    const directory = await temporaryFolder();
    const { client, QueueUrl, receive, send, sqs } = await open(directory);
    await send("deleted");
    const [message] = await receive();
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    await send("kept");
    await receive();
    sqs.close();
    const after = await open(directory);
    expect(await after.receive()).toMatchObject([{ Body: "kept" }]);
  });

  it("deletes messages that are too old", async () => {
    const { receive, send } = await open(undefined, 0);
    await send("old");
    await expect.poll(() => receive({ VisibilityTimeout: 0 })).toEqual([]);
  });

  it("reports errors as SQS does", async () => {
    const { client, QueueUrl, endpoint, receive } = await open();
    await expect(client.send(new GetQueueUrlCommand({ QueueName: "nowhere" }))).rejects.toMatchObject({
      name: "QueueDoesNotExist",
    });
    await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toThrow("MaxNumberOfMessages");
    await expect(client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "nonsense" }))).rejects.toMatchObject({
      name: "ReceiptHandleIsInvalid",
    });
    await expect(
      client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: "1" } })),
    ).rejects.toThrow("belongs to the local stack");
    for (const name of ["constructor", "toString", "__proto__"]) {
      const headers = { "x-amz-target": `AmazonSQS.${name}` };
      const answer = await fetch(endpoint, { method: "POST", headers, body: "{}" });
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("UnsupportedOperation")]);
    }
    const old = await fetch(endpoint, { method: "POST", body: "Action=ListQueues" });
    expect([old.status, await old.text()]).toEqual([
      400,
      expect.stringMatching(/<Message>.*Use a newer one\.<\/Message>/),
    ]);
  });

  it("reads its own file after a death in the middle of a line", async () => {
    const directory = await temporaryFolder();
    const { send, sqs } = await open(directory);
    await send("whole");
    sqs.close();
    await appendFile(join(directory, "splitFailures.jsonl"), '{"put":{"id":');
    const after = await open(directory);
    expect(await after.receive()).toMatchObject([{ Body: "whole" }]);
  });
});
