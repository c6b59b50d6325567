/** Sends an event on over HTTP, for a consumer in any language: a function of the local Lambda. */

/** As long as EventBridge waits for an API destination. */
const ANSWER_MS = 5_000;

/**
 * Posts the event as JSON to the address in FORWARD_URL. Throws for any response but 2xx, so that
 * it is retried and ends as a dead letter, as with a function that throws.
 */
export const handler = async (event: unknown): Promise<{ status: number }> => {
  const url = process.env.FORWARD_URL ?? "";
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event),
    // A redirect may lead anywhere.
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((cause: unknown) => {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new Error(`${url} can't be reached: ${reason}`, { cause });
  });
  if (response.ok) return { status: response.status };
  throw new Error(`${url} responded ${response.status}: ${(await response.text()).slice(0, 200)}`);
};
