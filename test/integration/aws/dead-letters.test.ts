import { SQSClient } from "@aws-sdk/client-sqs";
import { onTestFinished } from "vitest";
import { queueUrl } from "../../../infra/emulator/arns.ts";
import { openSqs } from "../../../infra/emulator/sqs/index.ts";
import { sqsDeadLetters } from "../../../services/aws/dead-letters.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { deadLettersContract } from "../../ports/dead-letters.suite.ts";

const QUEUE = "splitFailures";

deadLettersContract("SQS", async () => {
  const queues = [{ name: QUEUE, retentionDays: 14 }];
  const sqs = await openSqs({ directory: await temporaryFolder(), region: REGION, queues });
  onTestFinished(() => sqs.close());
  const endpoint = await serve(sqs.handle);
  const client = new SQSClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  onTestFinished(() => client.destroy());
  return {
    deadLetters: sqsDeadLetters(client, queueUrl(endpoint, QUEUE)),
    send: (body) => sqs.send(QUEUE, { body, attributes: {} }),
  };
});
