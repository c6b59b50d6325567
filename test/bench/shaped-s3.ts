import type { IncomingMessage, ServerResponse } from "node:http";
import type { Intercept } from "../../infra/emulator/front.ts";

import { counted } from "./watch.ts";

/** What one function gets of S3, in each direction. Bytes a second. */
export type Bandwidth = { perConnection: number; inAll: number };

/** A connection with so many bytes a second, one transfer after another. */
class Line {
  readonly #bytesPerSecond: number;
  #busyUntil = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** When (milliseconds of `performance.now`) these bytes have passed. */
  passed(bytes: number): number {
    this.#busyUntil = Math.max(this.#busyUntil, performance.now()) + (bytes / this.#bytesPerSecond) * 1_000;
    return this.#busyUntil;
  }
}

/** Shorter waits don't use a timer. */
const MIN_WAIT_MS = 5;

/** Sends what is written only when it has passed both lines. */
function shapeResponse(response: ServerResponse, lines: readonly Line[]): void {
  const { write, end } = response;
  let last: Promise<void> = Promise.resolve();
  const after = (bytes: number, then: () => void): boolean => {
    const due = Math.max(...lines.map((line) => line.passed(bytes)));
    const wait = due - performance.now();
    if (wait < MIN_WAIT_MS) {
      last = last.then(then);
      return true;
    }
    last = last
      .then(() => new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now()))))
      .then(then);
    last = last.then(() => void response.emit("drain"));
    return false;
  };
  response.write = ((chunk: Uint8Array, ...rest: unknown[]) =>
    after(chunk.length, () => void Reflect.apply(write, response, [chunk, ...rest]))) as typeof write;
  response.end = ((...rest: unknown[]) => {
    after(0, () => void Reflect.apply(end, response, rest));
    return response;
  }) as typeof end;
}

/** Answers a request only when its body has passed both lines. */
function shapeRequest(request: IncomingMessage, response: ServerResponse, lines: readonly Line[]): void {
  const bytes = Number(request.headers["x-amz-decoded-content-length"] ?? request.headers["content-length"] ?? 0);
  const due = Math.max(...lines.map((line) => line.passed(bytes)));
  const { end } = response;
  response.end = ((...rest: unknown[]) => {
    setTimeout(() => Reflect.apply(end, response, rest), Math.max(0, due - performance.now()));
    return response;
  }) as typeof end;
}

/** Shapes the objects whose path `isShaped`, and counts the bytes that are sent of them. */
export function shapedS3(bandwidth: Bandwidth, isShaped: (request: IncomingMessage) => boolean) {
  const [reading, writing] = [new Line(bandwidth.inAll), new Line(bandwidth.inAll)];
  const connections = new WeakMap<object, Line>();
  const lineOf = ({ socket }: IncomingMessage): Line => {
    const known = connections.get(socket) ?? new Line(bandwidth.perConnection);
    connections.set(socket, known);
    return known;
  };
  let sent = 0;
  const count = (bytes: number): void => {
    sent += bytes;
  };
  const intercept: Intercept = (request, response, serve) => {
    if (isShaped(request)) {
      if (request.method === "GET") counted(response, count);
      if (request.method === "GET") shapeResponse(response, [lineOf(request), reading]);
      if (request.method === "PUT") shapeRequest(request, response, [lineOf(request), writing]);
    }
    serve();
  };
  return { intercept, sent: () => sent };
}
