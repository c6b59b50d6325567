import { describe, expect, it } from "vitest";
import { fetchWithRetries, RETRY_SCHEDULE } from "../../../services/aws/retrying-fetch.ts";
import { SourceUnavailableError } from "../../../services/video/errors.ts";
import { NEVER } from "../../fixtures/cut.ts";

const HOUR_MS = 3_600_000;

/** What the SDK throws for an answer. */
const answered = (status: number, name: string) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });

describe("a fetch with retries", () => {
  it("ends immediately when it's aborted in a pause, with the signal's reason", async () => {
    const leaving = new AbortController();
    const fetching = fetchWithRetries(
      "It",
      () => {
        // Later than everything that follows from the failure: in the pause.
        setImmediate(() => leaving.abort(new Error("time is up")));
        return Promise.reject(answered(503, "SlowDown"));
      },
      leaving.signal,
      { maxIdleMs: HOUR_MS, giveUpMs: 10 * HOUR_MS, backoffMs: HOUR_MS },
    );
    await expect(fetching).rejects.toThrow("time is up");
  });

  it.each([
    ["an unknown refusal", answered(400, "SomethingNew")],
    ["the credentials", answered(403, "SignatureDoesNotMatch")],
    ["missing credentials", Object.assign(new Error("no"), { name: "CredentialsProviderError" })],
  ])("is given up immediately for %s, which no attempt changes", async (_what, error) => {
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      return Promise.reject(error);
    };
    await expect(fetchWithRetries("It", attempt, NEVER, RETRY_SCHEDULE)).rejects.toMatchObject({
      code: "SourceFetchFailed",
      cause: error,
    });
    expect(attempts).toBe(1);
  });

  it.each([
    ["an overloaded S3", answered(503, "SlowDown")],
    ["a failing S3", answered(500, "InternalError")],
    ["a request that came too slowly", answered(400, "RequestTimeout")],
    ["a clock that is set right by the answer", answered(403, "RequestTimeTooSkewed")],
    ["a throttled key", answered(400, "KMS.ThrottlingException")],
    ["a broken connection", Object.assign(new Error("reset"), { code: "ECONNRESET" })],
  ])("tries again after %s", async (_what, error) => {
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      return attempts < 3 ? Promise.reject(error) : Promise.resolve("bytes");
    };
    expect(await fetchWithRetries("It", attempt, NEVER, { ...RETRY_SCHEDULE, backoffMs: 1 })).toBe("bytes");
  });

  it("doesn't try again for what can't be had", async () => {
    const error = new SourceUnavailableError("SourceArchived", "It's archived. Restore it.");
    const fetching = fetchWithRetries("It", () => Promise.reject(error), NEVER, RETRY_SCHEDULE);
    await expect(fetching).rejects.toBe(error);
  });

  it("fails a fetch that gets a little further each time", async () => {
    let attempts = 0;
    const attempt = (_signal: AbortSignal, onProgress: () => void) => {
      attempts += 1;
      onProgress();
      return Promise.reject(answered(503, "SlowDown"));
    };
    const fetching = fetchWithRetries("It", attempt, NEVER, { ...RETRY_SCHEDULE, backoffMs: 0 });
    await expect(fetching).rejects.toMatchObject({ code: "SourceFetchFailed" });
    expect(attempts).toBe(20);
  });
});
