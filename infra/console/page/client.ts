import type { Message, Refusal } from "../api/types.ts";
import { streamReader } from "./logic/stream.ts";

/** The API refused a request. `message` is for a person. */
export class RefusedError extends Error {
  override name = "RefusedError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Nothing answers: the stack or the console was stopped. */
export class OfflineError extends Error {
  override name = "OfflineError";
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** The console's API, with the token of the page's address. */
export type Client = {
  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** Calls `onMessage` until the connection ends. Rejects with `OfflineError`, `RefusedError`. */
  stream(onOpen: () => void, onMessage: (message: Message) => void, signal: AbortSignal): Promise<void>;
};

const addressOf = (path: string, query: Query): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `/console/api/${path}${text === "" ? "" : `?${text}`}`;
};

async function answerOf(response: Response): Promise<unknown> {
  // While the stack starts, another service may answer in its place.
  if (response.status === 503 || !(response.headers.get("content-type") ?? "").startsWith("application/json"))
    throw new OfflineError("The stack is starting");
  const body = await response.json();
  if (!response.ok) throw new RefusedError(response.status, (body as Refusal).message);
  return body;
}

/** A stream that is silent for this long, in milliseconds, is over: three heartbeats. */
const SILENCE_MS = 30_000;

export function clientOf(token: string): Client {
  const headers = { "x-console-token": token };
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    try {
      return await fetch(path, { ...init, cache: "no-store" });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new OfflineError("Nothing answers", { cause });
    }
  };
  return {
    get: async <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
      (await answerOf(await send(addressOf(path, query), { headers, signal: signal ?? null }))) as T,
    post: async <T>(path: string, body: unknown) => {
      const json = { ...headers, "content-type": "application/json" };
      return (await answerOf(
        await send(addressOf(path, {}), { method: "POST", headers: json, body: JSON.stringify(body) }),
      )) as T;
    },
    stream: async (onOpen, onMessage, signal) => {
      const silent = new AbortController();
      const response = await send(addressOf("stream", {}), {
        headers,
        signal: AbortSignal.any([signal, silent.signal]),
      });
      if (!response.ok || response.body === null) {
        await answerOf(response);
        throw new OfflineError("The stream has no body");
      }
      onOpen();
      const read = streamReader();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let timer = setTimeout(() => silent.abort(), SILENCE_MS);
      try {
        for (;;) {
          const { done, value } = await reader.read();
          clearTimeout(timer);
          if (done) return;
          timer = setTimeout(() => silent.abort(), SILENCE_MS);
          for (const message of read(value)) onMessage(message);
        }
      } catch (cause) {
        throw new OfflineError("The connection broke", { cause });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
