import { setTimeout as wait } from "node:timers/promises";
import { URL } from "node:url";

const MAX_ATTEMPTS = 3;
const MAX_REDIRECTS = 5;
const PAUSE_MS = 500;
/** Timeout of one attempt: 29 MB at 0.4 Mb/s. */
const TIMEOUT_MS = 10 * 60_000;

/** Why a download failed, with the host that failed, which a redirect may have named. */
export class DownloadError extends Error {
  override name = "DownloadError";
}

/** A response for which a retry is useless. */
class FinalError extends DownloadError {}

/** Node's own message says only "fetch failed" or "terminated". */
function reasonOf(error: unknown): string {
  const { cause, message, name } = error as Error;
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  return message || ((error as NodeJS.ErrnoException).code ?? name);
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) break;
    }
  } catch (error) {
    const length = response.headers.get("content-length") ?? "an unknown number of";
    throw new DownloadError(`the connection ended after ${bytes} of ${length} bytes (${reasonOf(error)})`);
  }
  if (bytes > maxBytes) throw new FinalError(`it sends more than ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}

/** Follows redirects in our own code, so that an error names the host that failed. */
async function attempt(url: URL, maxBytes: number, redirects = 0): Promise<Uint8Array> {
  const options = { redirect: "manual", headers: { "accept-encoding": "identity" } } as const;
  const response = await fetch(url.href, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error) => {
    throw new DownloadError(`${url.host} can't be reached (${reasonOf(error)})`);
  });
  const location = response.headers.get("location");
  if (response.status >= 300 && response.status < 400 && location !== null) {
    await response.body?.cancel();
    if (redirects === MAX_REDIRECTS) throw new FinalError(`${url.host} redirects more than ${MAX_REDIRECTS} times`);
    return attempt(new URL(location, url), maxBytes, redirects + 1);
  }
  if (!response.ok) {
    await response.body?.cancel();
    const message = `${url.host} answers ${response.status} for ${url.pathname}`;
    throw response.status === 429 || response.status >= 500 ? new DownloadError(message) : new FinalError(message);
  }
  return readBody(response, maxBytes).catch((error: DownloadError) => {
    error.message = `${url.host}: ${error.message}`;
    throw error;
  });
}

/**
 * Downloads a file of at most `maxBytes`, in up to three attempts. Throws `DownloadError`, whose
 * message names the host.
 */
export async function download(url: URL, maxBytes: number): Promise<Uint8Array> {
  for (let count = 1; ; count++) {
    try {
      return await attempt(url, maxBytes);
    } catch (error) {
      if (!(error instanceof DownloadError) || error instanceof FinalError) throw error;
      if (count === MAX_ATTEMPTS) throw new DownloadError(`${error.message}, tried ${count} times`);
    }
    await wait(PAUSE_MS * count);
  }
}
