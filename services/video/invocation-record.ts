import * as z from "zod";

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
const Written = z.object({
  requestContext: z.object({
    functionArn: z.string(),
    condition: z.string(),
    approximateInvokeCount: z.number(),
  }),
  requestPayload: z.unknown(),
  responsePayload: z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() }).nullish(),
});

/**
 * An event whose attempts all failed, as Lambda reports it to the function's on-failure
 * destination.
 */
export type InvocationRecord = {
  functionArn: string;
  /** Why no further attempt is made: "RetriesExhausted", or "EventAgeExceeded". */
  condition: string;
  attempts: number;
  event: unknown;
  /** Of the last attempt. Undefined where there was none. */
  error: { errorType?: string | undefined; errorMessage?: string | undefined } | undefined;
};

/** Reads the parsed body of a message. Undefined where it isn't Lambda's. */
export function readInvocationRecord(content: unknown): InvocationRecord | undefined {
  const written = Written.safeParse(content);
  if (!written.success) return undefined;
  const { requestContext, requestPayload, responsePayload } = written.data;
  const { functionArn, condition, approximateInvokeCount } = requestContext;
  return {
    functionArn,
    condition,
    attempts: approximateInvokeCount,
    event: requestPayload,
    error: responsePayload ?? undefined,
  };
}
