import type { Context } from "aws-lambda";
import { splitService } from "../runtime/split.ts";
import type { SplitOutcome } from "./outcome.ts";
import { parseRequest } from "./requests.ts";

/**
 * Lambda entry point for S3's "Object Created", and our `SplitRequested` and
 * `SegmentRangeRequested`. What it throws is retried, then dead-lettered.
 */
export const handler = async (event: unknown, context: Context): Promise<SplitOutcome> => {
  const request = parseRequest(event);
  const split = await splitService();
  return split(request, context);
};
