import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDiskFull } from "../disk.ts";
import { parseAddress, parseTarget } from "./address.ts";
import { refuseUnsupportedHeaders } from "./attributes.ts";
import { corsHeaders, isPageAllowed, requireSignatureOfPage } from "./cors.ts";
import { S3Error } from "./errors.ts";
import type { ObjectCreated } from "./events.ts";
import { type Exchange, type Headers, replyText } from "./exchange.ts";
import { checkPresignedExpiry } from "./presigned.ts";
import { routeOf } from "./routing.ts";
import type { ObjectVersion } from "./state.ts";
import { Store } from "./store.ts";
import { type XmlField, xmlDocument } from "./xml-writing.ts";

export type LocalS3 = {
  /** Serves one request; never throws. Needs no `this`: `http.createServer(s3.handle)`. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Whether the CORS rules of the bucket that a request names allow the page that it comes from.
   */
  allowsPage(request: IncomingMessage): boolean;
  /**
   * Creates the bucket if there is none. `eventBridge`: whether its objects are announced, also
   * where a client has changed that. Throws `S3Error` `InvalidBucketName`.
   */
  createBucket(name: string, options?: { eventBridge?: boolean }): Promise<void>;
  /** Whether a bucket's objects are to be announced to EventBridge. False where there is none. */
  notifiesEventBridge(bucket: string): boolean;
  /** Accepts no more requests, aborts transfers, and resolves when everything has ended. */
  close(): Promise<void>;
};

export type LocalS3Options = {
  /** Holds everything that is stored; made if need be. One server at a time. */
  directory: string;
  /** Of buckets that name none. */
  region: string;
  /**
   * Called when an object is stored and before its upload is acknowledged. If it rejects, the
   * client gets an error and tries again: an event may come twice, but is not lost.
   */
  onObjectCreated(event: ObjectCreated): Promise<void>;
};

const newRequestId = (): string => randomBytes(8).toString("hex").toUpperCase();

function announcer(exchange: Exchange, onObjectCreated: LocalS3Options["onObjectCreated"]): Exchange["announce"] {
  return (version: ObjectVersion, reason, key = exchange.key) => {
    const isVersioned = exchange.store.bucket(exchange.bucket).versioning !== undefined;
    return onObjectCreated({
      bucket: exchange.bucket,
      key,
      size: version.size,
      etag: version.etag,
      ...(isVersioned && { versionId: version.versionId }),
      sequencer: version.sequencer,
      reason,
      requestId: exchange.requestId,
      sourceIpAddress: (exchange.request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, ""),
      time: `${new Date().toISOString().slice(0, 19)}Z`,
    });
  };
}

function resourceOf({ bucket, key }: Exchange): string {
  return key === "" ? `/${bucket}` : `/${bucket}/${key}`;
}

/** A failure that isn't an S3 error is a bug of this server or a fault of the disk: it is shown. */
const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : new Error(String(error)));

const isDisconnection = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";

function asS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  // `watchDisk` reports it to the owner of the stack.
  if (isDiskFull(error)) return new S3Error("ServiceUnavailable", "The disk of the local stack is full.");
  warn(error);
  return new S3Error("InternalError", "We encountered an internal error. Please try again.");
}

function replyError(exchange: Exchange, error: S3Error): void {
  const { request, response, requestId } = exchange;
  if (error.status === 304 || request.method === "HEAD") {
    response.writeHead(error.status, error.headers).end();
    return;
  }
  const fields: XmlField[] = [
    ["Code", error.code],
    ["Message", error.message],
    ...error.details,
    ["Resource", resourceOf(exchange)],
    ["RequestId", requestId],
    ["HostId", String(response.getHeader("x-amz-id-2"))],
  ];
  replyText(exchange, error.status, xmlDocument("Error", fields, false), error.headers);
}

async function answer(exchange: Exchange): Promise<void> {
  const { path, query } = parseTarget(exchange.request.url ?? "/");
  exchange.query = query;
  Object.assign(exchange, parseAddress(path, exchange.headers.host ?? ""));
  exchange.response.setHeaders(new Map(Object.entries(corsHeaders(exchange))));
  requireSignatureOfPage(exchange);
  checkPresignedExpiry(query, Date.now());
  refuseUnsupportedHeaders(exchange);
  await routeOf(exchange)(exchange);
}

async function serve(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  try {
    await answer(exchange);
  } catch (error) {
    // A client that has disconnected, or was disconnected by close(), needs no response; its
    // request is dropped. `errored`: all of its body had arrived, and wasn't read yet.
    if (request.destroyed && (!request.complete || request.errored !== null)) return;
    if (response.headersSent) {
      // The pipeline has broken the connection, so the client knows that the response is
      // incomplete.
      if (!isDisconnection(error)) warn(error);
      return;
    }
    replyError(exchange, asS3Error(error));
  } finally {
    // The rest of a refused body must be read, or the connection can't be used again.
    request.resume();
  }
}

/** Opens the store in `directory`, with the state of the last server, also if that was killed. */
export async function openS3(options: LocalS3Options): Promise<LocalS3> {
  const { region, onObjectCreated } = options;
  const store = await Store.open(options.directory);
  const active = new Map<IncomingMessage, Promise<void>>();
  let isClosed = false;

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const requestId = newRequestId();
    const identity: Headers = {
      "x-amz-request-id": requestId,
      "x-amz-id-2": randomBytes(48).toString("base64"),
      server: "AmazonS3",
    };
    response.setHeaders(new Map(Object.entries(identity)));
    const { headers } = request;
    const exchange: Exchange = {
      request,
      response,
      requestId,
      bucket: "",
      key: "",
      query: new Map(),
      headers,
      region,
      store,
      announce: (...announcement) => announcer(exchange, onObjectCreated)(...announcement),
    };
    if (isClosed) {
      replyError(exchange, new S3Error("ServiceUnavailable", "The local S3 server is closing."));
      return;
    }
    const served = serve(exchange).catch((error) => {
      warn(error);
      response.destroy();
    });
    active.set(request, served);
    void served.finally(() => active.delete(request));
  };

  return {
    handle,
    allowsPage: (request) => isPageAllowed(request, store),
    async createBucket(name, { eventBridge } = {}) {
      if (store.findBucket(name) === undefined) store.createBucket(name, region);
      if (eventBridge === undefined || store.bucket(name).eventBridge === eventBridge) return;
      store.configureBucket(name, { eventBridge });
    },
    notifiesEventBridge: (bucket) => store.findBucket(bucket)?.eventBridge ?? false,
    async close() {
      isClosed = true;
      for (const request of active.keys()) request.destroy();
      await Promise.allSettled(active.values());
      await store.close();
    },
  };
}
