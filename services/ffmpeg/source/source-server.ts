import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { unlessAborted } from "../process/condition.ts";
import { PROXY_USER, type SourceAddress } from "../process/sandbox.ts";
import type { CheckedSource } from "./checked-source.ts";

export type SourceServer = {
  /**
   * For ffmpeg. It contains a secret, so that no other process on the machine can read the upload.
   */
  address: SourceAddress;
  /** Sends no more bytes until `resume`: ffmpeg waits while its finished segments are uploaded. */
  pause(): void;
  resume(): void;
  /** The same, while this process can't take more from ffmpeg: its pipes hold many small packets. */
  hold(isHeld: boolean): void;
  close(): Promise<void>;
};

type Range = { start: number; end: number };

/** `Range: bytes=N-` and `bytes=N-M` are all that ffmpeg sends. Undefined: not satisfiable. */
function parseRange(header: string | undefined, size: number): Range | undefined {
  if (header === undefined) return { start: 0, end: size - 1 };
  const match = /^bytes=(\d+)-(\d*)$/.exec(header);
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]), size - 1) : size - 1;
  return start <= end ? { start, end } : undefined;
}

/**
 * No host: ffmpeg asks its proxy, which is the server, and resolves no name. RFC 6761, section 6.4.
 */
const SOURCE_URL = "http://source.invalid/video";

/** ffmpeg states the port too. */
const isSource = (url: string): boolean => URL.canParse(url) && new URL(url).href === SOURCE_URL;

/**
 * Whether a request has the secret. ffmpeg sends it once it has been asked for. RFC 9110, section
 * 11.7.
 */
function readerTest(secret: string): (request: IncomingMessage) => boolean {
  const expected = Buffer.from(`Basic ${Buffer.from(`${PROXY_USER}:${secret}`).toString("base64")}`);
  return ({ headers }) => {
    const received = Buffer.from(headers["proxy-authorization"] ?? "");
    return received.length === expected.length && timingSafeEqual(received, expected);
  };
}

/** A gate that a writer passes through: open, or closed until it's opened again. */
function createGate() {
  let opened: Promise<void> = Promise.resolve();
  let open: (() => void) | undefined;
  return {
    close: () => {
      if (open !== undefined) return;
      opened = new Promise((resolve) => {
        open = resolve;
      });
    },
    open: () => {
      open?.();
      open = undefined;
    },
    passed: () => opened,
  };
}

/** Resolves when the system has taken all bytes: nobody in this process reads them any more. */
const written = (response: ServerResponse, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error == null ? resolve() : reject(error)));
  });

/**
 * To look something up, ffmpeg reads a little and closes the connection, whose buffers have taken
 * some MB by then. So little is sent at first, and twice as much after each pause.
 */
const FIRST_BYTES = 64 * 1024;
const FULL_SPEED_BYTES = 4 * 1024 * 1024;
const PAUSE_MS = 2;

/** Passes on the chunks of a reading in pieces, slowly at first. */
async function* slowlyAtFirst(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let sent = 0;
  let pauseAt = FIRST_BYTES;
  for await (const chunk of chunks)
    for (let from = 0; from < chunk.length; ) {
      const piece = chunk.subarray(from, pauseAt > FULL_SPEED_BYTES ? undefined : from + pauseAt - sent);
      yield piece;
      from += piece.length;
      sent += piece.length;
      if (sent < pauseAt || pauseAt > FULL_SPEED_BYTES) continue;
      await delay(PAUSE_MS);
      pauseAt *= 2;
    }
}

/**
 * Serves one object to ffmpeg on loopback, so that it's read in ranges and needn't be whole on
 * disk, and so that ffmpeg needs neither DNS, TLS nor credentials. A request that ffmpeg closes
 * early aborts the read behind it.
 */
export async function serveSource(source: CheckedSource): Promise<SourceServer> {
  const secret = randomBytes(24).toString("hex");
  const isKnown = readerTest(secret);
  const gate = createGate();
  const taking = createGate();
  const reads = new Set<AbortController>();
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isKnown(request)) return void response.writeHead(407, { "Proxy-Authenticate": 'Basic realm="source"' }).end();
    if (!isSource(request.url ?? "")) return void response.writeHead(404).end();
    const range = parseRange(request.headers.range, source.size);
    if (range === undefined) return void response.writeHead(416, { "Content-Range": `bytes */${source.size}` }).end();
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      "Accept-Ranges": "bytes",
      "Content-Length": range.end - range.start + 1,
      "Content-Range": `bytes ${range.start}-${range.end}/${source.size}`,
      "Content-Type": "application/octet-stream",
    });
    if (request.method === "HEAD") return void response.end();
    const reading = new AbortController();
    reads.add(reading);
    response.once("close", () => reading.abort());
    try {
      for await (const chunk of slowlyAtFirst(source.lend(range.start, range.end, reading.signal))) {
        await gate.passed();
        await taking.passed();
        if (reading.signal.aborted) return;
        await unlessAborted(written(response, chunk), reading.signal);
      }
      response.end();
    } catch {
      // Reported by `CheckedSource.failed`; ffmpeg only sees a connection that broke off.
      response.destroy();
    } finally {
      reads.delete(reading);
      reading.abort();
    }
  };

  const server = createServer((request, response) => void respond(request, response));
  // ffmpeg may be held back for as long as an upload takes; nothing here may time out in the
  // meantime.
  server.requestTimeout = 0;
  server.timeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    address: { url: SOURCE_URL, port, secret },
    pause: gate.close,
    resume: gate.open,
    hold: (isHeld) => (isHeld ? taking.close() : taking.open()),
    close: async () => {
      for (const reading of reads) reading.abort();
      gate.open();
      taking.open();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
