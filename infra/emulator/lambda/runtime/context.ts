import type { InvokeMessage } from "./protocol.ts";

/**
 * The handler's second argument. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
export type LambdaContext = {
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  /** In MB; a string, as in Lambda. */
  memoryLimitInMB: string;
  awsRequestId: string;
  logGroupName: string;
  logStreamName: string;
  /** Has no effect since nodejs24.x: it was for callbacks. Libraries still set it. */
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
};

/** The context of one invocation. */
export const contextOf = ({ requestId, deadlineMs, functionArn }: InvokeMessage): LambdaContext => ({
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "",
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION ?? "",
  invokedFunctionArn: functionArn,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? "",
  awsRequestId: requestId,
  logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME ?? "",
  logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME ?? "",
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => deadlineMs - Date.now(),
});
