import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** A healthy table responds within milliseconds: these timeouts only end a dead connection. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 5_000;

/**
 * A DynamoDB client that takes and returns plain values. Attributes that are undefined are left
 * out. The endpoint and the credentials come from the environment, as AWS_ENDPOINT_URL.
 */
export const documentClient = (region: string): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: CONNECT_MS,
        requestTimeout: ANSWER_MS,
        throwOnRequestTimeout: true,
      }),
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );
