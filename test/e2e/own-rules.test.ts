import { PutEventsCommand, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateBucketCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import { exampleOf } from "#events-schema";
import { sharedTestStack } from "../fixtures/stack.ts";

const stack = sharedTestStack();

const arnOf = (service: string, name: string) => `arn:aws:${service}:us-east-1:000000000000:${name}`;

async function open() {
  const test = await stack();
  const { endpoint, region, names } = test.stack;
  const sqs = new SQSClient({ endpoint, region, credentials: { accessKeyId: "x", secretAccessKey: "x" } });
  onTestFinished(() => sqs.destroy());
  return {
    ...test,
    /** A rule of the user's, with one target and dead letters in a queue. */
    rule: async (name: string, bus: string, pattern: object, target: string, deadLetters?: string) => {
      const rule = { Name: name, EventBusName: bus, EventPattern: JSON.stringify(pattern) };
      await test.events.send(new PutRuleCommand(rule));
      const DeadLetterConfig = deadLetters === undefined ? {} : { DeadLetterConfig: { Arn: deadLetters } };
      const Targets = [{ Id: "1", Arn: target, ...DeadLetterConfig }];
      await test.events.send(new PutTargetsCommand({ Rule: name, EventBusName: bus, Targets }));
    },
    queue: async (QueueName: string) => {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
      const receive = async () => {
        const request = { QueueUrl, WaitTimeSeconds: 10, MessageAttributeNames: ["All"] };
        return (await sqs.send(new ReceiveMessageCommand(request))).Messages ?? [];
      };
      return { arn: arnOf("sqs", QueueName), receive };
    },
    put: async () => {
      const { source, detail } = exampleOf("VideoRejected");
      const entry = { EventBusName: names.bus, Source: source, DetailType: "VideoRejected" };
      await test.events.send(new PutEventsCommand({ Entries: [{ ...entry, Detail: JSON.stringify(detail) }] }));
    },
  };
}

describe("a rule of the user's own on the local stack", () => {
  it("delivers to a queue that was created, and a target that isn't there ends as a dead letter at once", async () => {
    const { stack: opened, rule, queue, put } = await open();
    const [mine, deadLetters] = [await queue("mine"), await queue("deadLetters")];
    const pattern = { "detail-type": ["VideoRejected"] };
    await rule("to-a-queue", opened.names.bus, pattern, mine.arn);
    await rule("to-nobody", opened.names.bus, pattern, arnOf("lambda", "function:nobody"), deadLetters.arn);
    await rule("to-no-queue", opened.names.bus, pattern, arnOf("sqs", "nothing"), deadLetters.arn);
    await put();
    const [message] = await mine.receive();
    expect(JSON.parse(message?.Body ?? "")).toMatchObject({
      "detail-type": "VideoRejected",
      detail: exampleOf("VideoRejected").detail,
    });
    await opened.idle();
    const found = [...(await deadLetters.receive()), ...(await deadLetters.receive())];
    const messages = found.map(({ MessageAttributes }) => MessageAttributes?.ERROR_MESSAGE?.StringValue).sort();
    expect(messages).toEqual([
      expect.stringMatching(/^There is no function nobody on the local stack; there are split, projector/),
      'There is no queue nothing on the local stack: create it with "aws sqs create-queue"',
    ]);
  });

  it("gets S3's events of the uploads, and of a bucket that is set up to send them", async () => {
    const { stack: opened, s3, rule, queue } = await open();
    const created = await queue("created");
    await rule("created", "default", { source: ["aws.s3"], detail: { object: { key: ["notes.txt"] } } }, created.arn);
    const read = (Bucket: string) => s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect((await read(opened.names.uploads)).EventBridgeConfiguration).toBeDefined();
    expect((await read(opened.names.segments)).EventBridgeConfiguration).toBeUndefined();

    const Bucket = "my-own-bucket";
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "notes.txt", Body: "before" }));
    const NotificationConfiguration = { EventBridgeConfiguration: {} };
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "notes.txt", Body: "after it" }));
    await opened.idle();
    const [message, ...others] = await created.receive();
    expect(JSON.parse(message?.Body ?? "")).toMatchObject({
      detail: { bucket: { name: Bucket }, object: { size: 8 } },
    });
    expect(others).toEqual([]);
  });

  it("may be made by a tool that first asks who it is", async () => {
    const { stack: opened } = await open();
    const authorization = "AWS4-HMAC-SHA256 Credential=x/20261127/us-east-1/sts/aws4_request";
    const ask = async (action: string) => {
      const body = new URLSearchParams({ Action: action, Version: "2011-06-15" });
      const response = await fetch(opened.endpoint, { method: "POST", body, headers: { authorization } });
      return [response.status, await response.text()];
    };
    expect(await ask("GetCallerIdentity")).toEqual([200, expect.stringContaining("<Account>000000000000</Account>")]);
    expect(await ask("AssumeRole")).toEqual([400, expect.stringContaining("GetCallerIdentity only")]);
  });
});
