import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { type LocalS3, type ObjectCreated, openS3 } from "../../../infra/emulator/s3/index.ts";

export const REGION = "us-east-1";
export const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

export type RawRequest = {
  method?: string;
  path: string;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
};
export type RawResponse = { status: number; headers: IncomingHttpHeaders; body: Buffer };

export type S3Fixture = {
  client: S3Client;
  endpoint: string;
  port: number;
  /** Of every object created so far. */
  events: ObjectCreated[];
  /** Takes the next events instead of `events`; may reject. */
  onEvent(listener: ((event: ObjectCreated) => Promise<void>) | undefined): void;
  clientWith(config: S3ClientConfig): S3Client;
  send(raw: RawRequest): Promise<RawResponse>;
  /** A bare connection, for requests that HTTP clients would not send. */
  openSocket(): Socket;
  /** Files of content on the disk, finished or not. */
  contentFiles(): Promise<string[]>;
  restart(): Promise<void>;
  stop(): Promise<void>;
};

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });

/** Starts a server of its own, with a bucket `videos`, in a temporary folder. */
export async function startS3(): Promise<S3Fixture> {
  const directory = await mkdtemp(join(tmpdir(), "video-split-s3-"));
  const events: ObjectCreated[] = [];
  let listener: ((event: ObjectCreated) => Promise<void>) | undefined;
  const onObjectCreated = async (event: ObjectCreated): Promise<void> => {
    if (listener === undefined) events.push(event);
    else await listener(event);
  };
  let s3: LocalS3 = await openS3({ directory, region: REGION, onObjectCreated });
  await s3.createBucket("videos");
  const server = createServer((incoming, response) => s3.handle(incoming, response));
  const port = await listen(server);
  const endpoint = `http://127.0.0.1:${port}`;
  const clients: S3Client[] = [];
  const clientWith = (config: S3ClientConfig): S3Client => {
    const client = new S3Client({ endpoint, region: REGION, credentials: CREDENTIALS, maxAttempts: 1, ...config });
    clients.push(client);
    return client;
  };
  return {
    client: clientWith({}),
    endpoint,
    port,
    events,
    onEvent(next) {
      listener = next;
    },
    clientWith,
    send: (raw) => sendRaw(port, raw),
    openSocket: () => connect(port, "127.0.0.1"),
    contentFiles: () => readdir(join(directory, "blobs")),
    async restart() {
      await s3.close();
      s3 = await openS3({ directory, region: REGION, onObjectCreated });
    },
    async stop() {
      for (const client of clients) client.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await s3.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Sends a path exactly as written: no part of it is escaped or normalised. */
export function sendRaw(port: number, { method = "GET", path, headers = {}, body }: RawRequest): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** The text of an element of an answer. */
export const elementOf = (response: RawResponse, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(response.body.toString())?.[1];

/** The code of the refusal that a call ends in. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return (error as Error).name;
  }
  return "no refusal";
}

/** Resolves when `condition` holds; the test's own time limit is the limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Bytes that repeat at no small distance, the same for the same seed. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}
