import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { NEVER } from "../../fixtures/cut.ts";
import { type Fault, openBucket, readAll } from "./media-bucket.ts";

/**
 * What S3 answers to a GET. To a HEAD it answers the same without the body, and so without the
 * code.
 */
type Refusal = { status: number; code: string; message: string; headers?: Record<string, string> };

const ENCRYPTED_BY_KMS = { "x-amz-server-side-encryption": "aws:kms" };
const NO_PERMISSION =
  "User: arn:aws:sts::111122223333:assumed-role/split/split is not authorized to perform: kms:Decrypt on the resource " +
  "associated with this ciphertext because no identity-based policy allows the kms:Decrypt action";

const REFUSALS = {
  archived: {
    status: 403,
    code: "InvalidObjectState",
    message: "The operation is not valid for the object's storage class",
  },
  forbidden: { status: 403, code: "AccessDenied", message: "Access Denied" },
  wrongSignature: { status: 403, code: "SignatureDoesNotMatch", message: "The request signature does not match" },
  keyDenied: { status: 403, code: "AccessDenied", message: NO_PERMISSION },
  keyDisabled: {
    status: 400,
    code: "KMS.DisabledException",
    message: "arn:aws:kms:eu-west-1:111122223333:key/k is disabled.",
  },
  keyPendingDeletion: { status: 400, code: "KMS.KMSInvalidStateException", message: "The key is pending deletion." },
  customerKey: {
    status: 400,
    code: "InvalidRequest",
    message:
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
  },
  redirected: {
    status: 301,
    code: "PermanentRedirect",
    message: "The bucket you are attempting to access must be addressed using the specified endpoint.",
    headers: { "x-amz-bucket-region": "eu-west-1" },
  },
  wrongRegion: {
    status: 400,
    code: "AuthorizationHeaderMalformed",
    message:
      "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region><Message>",
  },
  keyTooLong: { status: 400, code: "KeyTooLongError", message: "Your key is too long" },
} satisfies Record<string, Refusal>;

function refuse(response: ServerResponse, { status, code, message, headers = {} }: Refusal, withBody: boolean): true {
  response.writeHead(status, { "content-type": "application/xml", ...headers });
  response.end(withBody ? `<Error><Code>${code}</Code><Message>${message}</Message></Error>` : "");
  return true;
}

/** A film whose GETs are refused; `heads` too. Counts the requests for it. */
async function openFilm(refusal: Refusal, { heads }: { heads: boolean }) {
  const requests: string[] = [];
  let isStored = false;
  const fault: Fault = ({ method = "" }, response) => {
    if (!isStored) return false;
    requests.push(method);
    if (method === "GET") return refuse(response, refusal, true);
    return heads && refuse(response, refusal, false);
  };
  const { put, store } = await openBucket(fault);
  await put("film.mp4", "0123456789");
  const source = { bucket: "media", key: "film.mp4", etag: "781e5e245d69b566979b86e28d23f2c7", versionId: undefined };
  isStored = true;
  return { requests, store, source };
}

describe("an object that S3 refuses to describe", () => {
  it.each([
    [REFUSALS.forbidden, "SourceForbidden", /s3:\/\/media\/film\.mp4 \(403 AccessDenied\)\. .*request_sources/],
    [REFUSALS.customerKey, "SourceKeyRequired", /SSE-C.*Upload it again/],
    [REFUSALS.redirected, "SourceInOtherRegion", /\(eu-west-1\)\. Copy the object/],
    [REFUSALS.wrongRegion, "SourceInOtherRegion", /\(eu-west-1\)\. Copy the object/],
  ])("for $code is unavailable: %2$s", async (refusal, reason, message) => {
    const { store } = await openFilm(refusal, { heads: true });
    await expect(store.describe("media", "film.mp4")).rejects.toMatchObject({
      code: "SourceUnavailable",
      retryable: false,
      reason,
      message: expect.stringMatching(message),
    });
  });

  it("for what is wrong with the caller may be described later", async () => {
    const { store } = await openFilm(REFUSALS.wrongSignature, { heads: true });
    await expect(store.describe("media", "film.mp4")).rejects.toMatchObject({ code: "SourceFetchFailed" });
  });

  it.each(["bad", "x".repeat(32)])("for its version id isn't there (%s)", async (versionId) => {
    const { put, store } = await openBucket();
    await put("film.mp4", "x");
    expect(await store.describe("media", "film.mp4", versionId)).toBeUndefined();
  });

  it("for a key that is too long says that it doesn't exist", async () => {
    const { store } = await openFilm(REFUSALS.keyTooLong, { heads: true });
    expect(await store.describe("media", "film.mp4")).toBeUndefined();
  });

  it("with a HEAD, and returns with a GET, may be described later", async () => {
    const { put, store } = await openBucket(({ method }, response) => {
      if (method !== "HEAD") return false;
      response.writeHead(400).end();
      return true;
    });
    await put("film.mp4", "x");
    await expect(store.describe("media", "film.mp4")).rejects.toMatchObject({ code: "SourceFetchFailed" });
  });
});

describe("an object that S3 describes and refuses to return", () => {
  it.each([
    [REFUSALS.archived, "SourceArchived"],
    [REFUSALS.forbidden, "SourceForbidden"],
    [REFUSALS.keyDenied, "SourceKeyForbidden"],
    [REFUSALS.keyDisabled, "SourceKeyForbidden"],
    [REFUSALS.keyPendingDeletion, "SourceKeyForbidden"],
  ])("for $code is unavailable, at the first request", async (refusal, reason) => {
    const { requests, store, source } = await openFilm(refusal, { heads: false });
    const reading = readAll(store.read(source, 0, 9, NEVER));
    await expect(reading).rejects.toMatchObject({ code: "SourceUnavailable", reason });
    expect(requests.filter((method) => method === "GET")).toHaveLength(1);
  });

  it("names no role and no key of this service's account", async () => {
    const { store, source } = await openFilm(REFUSALS.keyDenied, { heads: false });
    const reading = readAll(store.read(source, 0, 9, NEVER));
    await expect(reading).rejects.toMatchObject({ message: expect.not.stringContaining("111122223333") });
  });

  it("lacks the key where S3 doesn't say so, and encrypted it by KMS", async () => {
    let isStored = false;
    const { put, store } = await openBucket(({ method }, response) => {
      if (!isStored) return false;
      if (method === "GET") return refuse(response, REFUSALS.forbidden, true);
      response.writeHead(200, { ...ENCRYPTED_BY_KMS, "content-length": "10", etag: '"e"' }).end();
      return true;
    });
    await put("film.mp4", "0123456789");
    isStored = true;
    const { source } = (await store.describe("media", "film.mp4"))!;
    const reading = readAll(store.read(source, 0, 9, NEVER));
    await expect(reading).rejects.toMatchObject({ reason: "SourceKeyForbidden" });
  });
});

describe("an archived object", () => {
  it.each(["GLACIER", "DEEP_ARCHIVE"] as const)("of %s is known before a byte is read", async (StorageClass) => {
    const { put, store } = await openBucket();
    await put("film.mp4", "0123456789", { StorageClass });
    const { unavailable, source, bytes } = (await store.describe("media", "film.mp4"))!;
    expect(bytes).toBe(10);
    expect(unavailable).toMatchObject({
      reason: "SourceArchived",
      message: expect.stringMatching(
        new RegExp(`archived \\(${StorageClass}\\).*Restore the object.*npx video-split request`),
      ),
    });
    await expect(readAll(store.read(source, 0, 9, NEVER))).rejects.toMatchObject({ reason: "SourceArchived" });
  });

  it.each<[string, Record<string, string>, string | undefined]>([
    [
      "is being restored",
      { "x-amz-storage-class": "GLACIER", "x-amz-restore": 'ongoing-request="true"' },
      "being restored",
    ],
    [
      "is restored",
      {
        "x-amz-storage-class": "GLACIER",
        "x-amz-restore": 'ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"',
      },
      undefined,
    ],
    [
      "was archived by Intelligent-Tiering",
      { "x-amz-storage-class": "INTELLIGENT_TIERING", "x-amz-archive-status": "ARCHIVE_ACCESS" },
      "archived (ARCHIVE_ACCESS)",
    ],
    ["is in a class that is read immediately", { "x-amz-storage-class": "GLACIER_IR" }, undefined],
  ])("that %s", async (_what, headers, message) => {
    const { store } = await openBucket((_request, response) => {
      response.writeHead(200, { ...headers, "content-length": "10", etag: '"e"' }).end();
      return true;
    });
    const { unavailable } = (await store.describe("media", "film.mp4"))!;
    if (message === undefined) expect(unavailable).toBeUndefined();
    else expect(unavailable?.message).toContain(message);
  });
});
