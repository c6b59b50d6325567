import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Query } from "./address.ts";
import type { ObjectCreated } from "./events.ts";
import type { ObjectVersion } from "./state.ts";
import type { Store } from "./store.ts";
import { type XmlField, xmlDocument } from "./xml-writing.ts";

/** One request, its response, and what an operation needs. */
export type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  /** Empty where the request is about the service. */
  bucket: string;
  /** Empty where the request is about a bucket. */
  key: string;
  query: Query;
  headers: IncomingHttpHeaders;
  region: string;
  store: Store;
  /**
   * Resolves when the stack has accepted the event. The upload may be acknowledged only after that.
   */
  announce(version: ObjectVersion, reason: ObjectCreated["reason"], key?: string): Promise<void>;
};

export type Operation = (exchange: Exchange) => Promise<void> | void;

export type Headers = Record<string, string>;

/** The canonical id of the one account that owns everything here. */
export const OWNER: XmlField = ["Owner", [["ID", "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"]]];

/** The first value of a header, or undefined. */
export function header(exchange: Exchange, name: string): string | undefined {
  const value = exchange.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function replyEmpty({ response }: Exchange, status: number, headers: Headers = {}): void {
  response.writeHead(status, status === 204 ? headers : { ...headers, "content-length": "0" });
  response.end();
}

export function replyXml(exchange: Exchange, root: string, fields: XmlField[1], headers: Headers = {}): void {
  replyText(exchange, 200, xmlDocument(root, fields), headers);
}

export function replyText({ response }: Exchange, status: number, document: string, headers: Headers = {}): void {
  const body = Buffer.from(document);
  response.writeHead(status, {
    ...headers,
    "content-type": "application/xml",
    "content-length": String(body.length),
  });
  response.end(body);
}

/** As in `Last-Modified`. */
export const httpDate = (milliseconds: number): string => new Date(milliseconds).toUTCString();

/** As in listings: ISO 8601 in UTC. */
export const isoDate = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const quoted = (etag: string): string => `"${etag}"`;

/** The version id for a client: only where the bucket has, or had, versions. */
export function versionHeader({ store, bucket }: Exchange, versionId: string): Headers {
  return store.bucket(bucket).versioning === undefined ? {} : { "x-amz-version-id": versionId };
}
