import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Faults of a service's response. The service doesn't notice them. */

type Write = (chunk: Buffer, ...rest: unknown[]) => boolean;

/** The client receives no byte: the connection breaks when the service has responded. */
export function loseAnswer(response: ServerResponse): void {
  response.writeHead = (() => response) as ServerResponse["writeHead"];
  response.write = (() => true) as ServerResponse["write"];
  response.end = (() => {
    response.destroy();
    return response;
  }) as ServerResponse["end"];
}

/**
 * The connection breaks within the first chunk of the body: the client receives a prefix of it, as
 * on any connection.
 */
export function cutBody(response: ServerResponse): void {
  const write = response.write.bind(response) as Write;
  let isCut = false;
  response.write = ((chunk: Buffer, ...rest: unknown[]) => {
    if (!isCut) write(chunk.subarray(0, Math.ceil(chunk.length / 2)), ...rest);
    isCut = true;
    setImmediate(() => response.destroy());
    return true;
  }) as ServerResponse["write"];
}

/**
 * `bytes` of the body are sent, then `after` is called, and nothing more is sent: the connection
 * stays open. A shorter body, such as that of an error, is sent whole.
 */
export function stopBodyAfter(response: ServerResponse, bytes: number, after: () => void = () => {}): void {
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  const end = response.end.bind(response) as (...chunk: unknown[]) => ServerResponse;
  let left = bytes;
  response.write = ((chunk: Buffer) => {
    if (left > 0) {
      write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) setImmediate(after);
    }
    return true;
  }) as ServerResponse["write"];
  response.end = ((...chunk: unknown[]) => (left > 0 ? end(...chunk) : response)) as ServerResponse["end"];
}

const SLOW_MS = 300;

/** Each chunk of the body is delayed. */
export function slowBody(response: ServerResponse): void {
  const write = response.write.bind(response) as (chunk: unknown) => boolean;
  const end = response.end.bind(response) as (chunk: unknown) => ServerResponse;
  let before: Promise<unknown> = Promise.resolve();
  const later = (work: () => unknown) => {
    before = before.then(() => sleep(SLOW_MS)).then(work);
  };
  response.write = ((chunk: unknown) => {
    later(() => write(chunk));
    return true;
  }) as ServerResponse["write"];
  response.end = ((chunk: unknown) => {
    later(() => end(chunk));
    return response;
  }) as ServerResponse["end"];
}
