import type { IncomingMessage, ServerResponse } from "node:http";
import type { Intercept } from "../../infra/emulator/front.ts";
import { LOCAL_NAMES } from "../../infra/local/names.ts";

/** Requests to the local stack, from all functions. */
export type RequestCounts = {
  /** GET and HEAD of any object, and writes of segments; not the upload of the source. */
  s3: number;
  ledgerReads: number;
  ledgerWrites: number;
  /** PutEvents: up to 10 events each. */
  putEvents: number;
};

/** "DynamoDB_20120810.PutItem", for one. */
const operationOf = ({ headers }: IncomingMessage): string => String(headers["x-amz-target"] ?? "").split(".")[1] ?? "";

const LEDGER_READS = ["GetItem", "BatchGetItem", "Query"];

/** Counts the requests of an interceptor that passes all on. */
export function countRequests(): { intercept: Intercept; counts: RequestCounts } {
  const counts: RequestCounts = { s3: 0, ledgerReads: 0, ledgerWrites: 0, putEvents: 0 };
  const countTable = (request: IncomingMessage, response: ServerResponse): void => {
    const body: Buffer[] = [];
    request.on("data", (chunk: Buffer) => body.push(chunk));
    response.on("finish", () => {
      const { TableName } = JSON.parse(Buffer.concat(body).toString()) as { TableName?: string };
      if (TableName !== LOCAL_NAMES.ledger) return;
      if (LEDGER_READS.includes(operationOf(request))) counts.ledgerReads += 1;
      else counts.ledgerWrites += 1;
    });
  };
  const intercept: Intercept = (request, response, serve) => {
    const { method = "", url = "", headers } = request;
    const target = String(headers["x-amz-target"] ?? "");
    if (target.startsWith("DynamoDB")) countTable(request, response);
    else if (target.endsWith(".PutEvents")) counts.putEvents += 1;
    else if (target === "" && (["GET", "HEAD"].includes(method) || url.includes(LOCAL_NAMES.segments))) counts.s3 += 1;
    serve();
  };
  return { intercept, counts };
}
