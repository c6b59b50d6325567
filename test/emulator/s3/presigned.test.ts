import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Checksum, HttpRequest } from "@smithy/types";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CREDENTIALS, elementOf, REGION, type S3Fixture, sendRaw, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
  await s3.send({ method: "PUT", path: "/videos/film%20%2B%201.mp4", body: "content" });
});
afterAll(() => s3.stop());

/** SHA-256, keyed or not, as the signer wants it. */
class Sha256 implements Checksum {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = secret instanceof ArrayBuffer ? new Uint8Array(secret) : secret;
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", key as Buffer);
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("each signature takes a fresh one");
  }
}

/** A path as `getSignedUrl` makes it; signed `age` seconds ago. */
async function presign(method: string, query: Record<string, string>, expiresIn: number, age = 0): Promise<string> {
  const signer = new SignatureV4({
    credentials: CREDENTIALS,
    region: REGION,
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
  });
  const request: HttpRequest = {
    method,
    protocol: "http:",
    hostname: "127.0.0.1",
    port: s3.port,
    path: "/videos/film%20%2B%201.mp4",
    query,
    headers: { host: `127.0.0.1:${s3.port}` },
  };
  const signed = await signer.presign(request, { expiresIn, signingDate: new Date(Date.now() - age * 1000) });
  const pairs = Object.entries(signed.query ?? {}).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  return `${signed.path}?${pairs.join("&")}`;
}

test("given a presigned read, when it is used in time, then the object is read", async () => {
  const path = await presign("GET", { "x-id": "GetObject", "response-content-type": "video/webm" }, 60);
  const answer = await sendRaw(s3.port, { path });
  expect([answer.status, answer.body.toString(), answer.headers["content-type"]]).toEqual([
    200,
    "content",
    "video/webm",
  ]);
});

test("given a presigned write, when it is used in time, then the object is stored", async () => {
  const path = await presign("PUT", { "x-id": "PutObject" }, 60);
  expect((await sendRaw(s3.port, { method: "PUT", path, body: "content" })).status).toBe(200);
});

test("given a presigned read, when its time is over, then it has expired", async () => {
  const answer = await sendRaw(s3.port, { path: await presign("GET", {}, 60, 61) });
  expect([answer.status, elementOf(answer, "Code"), elementOf(answer, "Message")]).toEqual([
    403,
    "AccessDenied",
    "Request has expired",
  ]);
});

test("given a presigned write, when its time is over, then nothing is stored", async () => {
  const path = (await presign("PUT", {}, 1, 10)).replace("film", "late");
  expect((await sendRaw(s3.port, { method: "PUT", path, body: "x" })).status).toBe(403);
  expect((await s3.send({ method: "HEAD", path: "/videos/late%20%2B%201.mp4" })).status).toBe(404);
});

test.each([
  ["a day ahead", "X-Amz-Date=29990101T000000Z&X-Amz-Expires=60&X-Amz-Signature=x", "AccessDenied"],
  [
    "longer than a week",
    "X-Amz-Date=20260101T000000Z&X-Amz-Expires=604801&X-Amz-Signature=x",
    "AuthorizationQueryParametersError",
  ],
  ["without an expiry", "X-Amz-Date=20260101T000000Z&X-Amz-Signature=x", "AuthorizationQueryParametersError"],
  [
    "with a date that is none",
    "X-Amz-Date=today&X-Amz-Expires=60&X-Amz-Signature=x",
    "AuthorizationQueryParametersError",
  ],
  ["of the older kind and over", "AWSAccessKeyId=x&Expires=1000000000&Signature=x", "AccessDenied"],
])("given a presigned read %s, when it is used, then it is refused", async (_, query, code) => {
  const answer = await s3.send({ path: `/videos/film%20%2B%201.mp4?${query}` });
  expect(elementOf(answer, "Code")).toBe(code);
});
