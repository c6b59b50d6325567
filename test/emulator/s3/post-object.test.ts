import { createHmac } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FormReader } from "../../../infra/emulator/s3/form-data.ts";
import { bytesOf, elementOf, type S3Fixture, startS3, until } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const policy = (conditions: unknown[], expiration = "2999-01-01T00:00:00Z") =>
  Buffer.from(JSON.stringify({ expiration, conditions })).toString("base64");

/** What `createPresignedPost` adds to a form. */
const SIGNATURE = {
  "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
  "X-Amz-Credential": "local/20260101/us-east-1/s3/aws4_request",
  "X-Amz-Date": "20260101T000000Z",
  "X-Amz-Signature": createHmac("sha256", "secret").update("policy").digest("hex"),
};

/** Conditions for the signature's fields. */
const SIGNED = Object.entries(SIGNATURE)
  .filter(([name]) => name !== "X-Amz-Signature")
  .map(([name, value]) => ({ [name.toLowerCase()]: value }));

const anything = (fields: Record<string, string>): unknown[] => [
  ...SIGNED,
  ...Object.keys(fields).map((name) => ["starts-with", `$${name}`, ""]),
];

type Fields = Record<string, string>;

/** Sends a form as a browser does: the file is its last field. By default its policy is signed and allows all its fields. */
async function postForm(fields: Fields, signed: Fields = { policy: policy(anything(fields)), ...SIGNATURE }) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...signed })) form.append(name, value);
  form.append("file", new File(["content"], "film 1.mp4", { type: "video/mp4" }));
  const response = await fetch(`${s3.endpoint}/videos`, { method: "POST", body: form, redirect: "manual" });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  };
}

test("given a form, when it is sent, then its file is an object with the form's metadata", async () => {
  const fields = { key: `forms/\${filename}`, "x-amz-meta-cut": "exakt – ü", "Content-Type": "video/webm" };
  const answer = await postForm(fields);
  expect(answer.status).toBe(204);
  const stored = await s3.client.send(new GetObjectCommand({ Bucket: "videos", Key: "forms/film 1.mp4" }));
  expect(await stored.Body!.transformToString()).toBe("content");
  expect(stored.ContentType).toBe("video/webm");
  expect(stored.Metadata?.cut).toBe(`=?UTF-8?B?${Buffer.from("exakt – ü").toString("base64")}?=`);
  expect(s3.events.at(-1)).toMatchObject({ key: "forms/film 1.mp4", reason: "POST Object", size: 7 });
});

test("given a large file that holds pieces of its own boundary, when it is sent, then every byte is stored", async () => {
  const content = Buffer.concat([bytesOf(700_000), Buffer.from("\r\n--boundar\r\n--\r\n"), bytesOf(700_000, 2)]);
  const fields = { key: "large", policy: policy(anything({ key: "large" })), ...SIGNATURE };
  const head = `${Object.entries(fields)
    .map(([name, value]) => `--boundary\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("")}--boundary\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n--boundary--\r\n")]);
  const headers = { "content-type": "multipart/form-data; boundary=boundary" };
  expect((await s3.send({ method: "POST", path: "/videos", headers, body })).status).toBe(204);
  expect((await s3.send({ path: "/videos/large" })).body.equals(content)).toBe(true);
});

test("given a form that comes byte by byte, when it is read, then no part of its boundary becomes content", async () => {
  const form =
    '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n\r\n--\r\n--a\r\n--b--\r\n';
  const reader = new FormReader(
    Readable.from(Array.from(form, (byte) => Buffer.from(byte))),
    "multipart/form-data; boundary=b",
  );
  const { fields } = await reader.readFields();
  expect([...fields]).toEqual([["key", "k"]]);
  expect(await text(reader.readFile())).toBe("\r\n--\r\n--a");
});

test("given the responses that a form can request, when it is sent, then it gets them", async () => {
  const created = await postForm({ key: "asked", success_action_status: "201" });
  expect([created.status, elementOf(created, "Key"), elementOf(created, "Bucket")]).toEqual([201, "asked", "videos"]);
  const redirected = await postForm({ key: "asked", success_action_redirect: "http://localhost/done?x=1" });
  expect(redirected.status).toBe(303);
  expect(redirected.headers.location).toBe(
    "http://localhost/done?x=1&bucket=videos&key=asked&etag=%229a0364b9e99bb480dd25e1f0284c8555%22",
  );
});

describe("policies", () => {
  test("given a form that meets its policy, when it is sent, then it is stored", async () => {
    const conditions = [
      { bucket: "videos" },
      ["starts-with", "$key", "mine/"],
      ["content-length-range", 1, 7],
      { "x-amz-meta-cut": "exact" },
      ...SIGNED,
    ];
    const fields = { key: "mine/a", "x-amz-meta-cut": "exact" };
    expect((await postForm(fields, { policy: policy(conditions), ...SIGNATURE })).status).toBe(204);
  });

  test("given a policy signed by version 2, when a form is sent, then it is stored", async () => {
    const signature = createHmac("sha1", "secret").update("policy").digest("base64");
    const signed = { policy: policy([{ key: "a" }]), AWSAccessKeyId: "local", signature };
    expect((await postForm({ key: "a" }, signed)).status).toBe(204);
  });

  const allowing = policy([...SIGNED, { key: "a" }]);
  test.each<[string, Fields]>([
    ["no policy", SIGNATURE],
    ["no signature", { policy: allowing }],
    ["half a signature", { ...SIGNATURE, policy: allowing, "X-Amz-Signature": "0" }],
    [
      "a credential of another service",
      { ...SIGNATURE, policy: allowing, "X-Amz-Credential": "local/20260101/us-east-1/sqs/aws4_request" },
    ],
  ])("given %s, when a form is sent, then it is refused", async (_, signed) => {
    const before = await s3.contentFiles();
    const answer = await postForm({ key: "a" }, signed);
    expect([answer.status, elementOf(answer, "Code")]).toEqual([403, "AccessDenied"]);
    expect(await s3.contentFiles()).toEqual(before);
  });

  test.each([
    ["another key", { key: "other" }, [["starts-with", "$key", "mine/"]], "AccessDenied"],
    ["a field it doesn't name", { key: "a", "x-amz-meta-b": "1" }, [{ key: "a" }], "AccessDenied"],
    ["another bucket", { key: "a" }, [{ bucket: "others" }, { key: "a" }], "AccessDenied"],
    ["a file too large", { key: "a" }, [{ key: "a" }, ["content-length-range", 1, 6]], "EntityTooLarge"],
    ["a file too small", { key: "a" }, [{ key: "a" }, ["content-length-range", 8, 9]], "EntityTooSmall"],
  ])(
    "given %s than its policy allows, when a form is sent, then it is refused",
    async (_, fields, conditions, code) => {
      const before = await s3.contentFiles();
      const signed = { policy: policy([...SIGNED, ...conditions]), ...SIGNATURE };
      const answer = await postForm(fields as Fields, signed);
      expect(elementOf(answer, "Code")).toBe(code);
      await until(async () => (await s3.contentFiles()).length === before.length);
    },
  );

  test("given a policy whose time is over, when a form is sent, then it is refused", async () => {
    const answer = await postForm(
      { key: "a" },
      { ...SIGNATURE, policy: policy([{ key: "a" }], "2020-01-01T00:00:00Z") },
    );
    expect([answer.status, elementOf(answer, "Message")]).toEqual([
      403,
      "Invalid according to Policy: Policy expired.",
    ]);
  });

  test("given a policy that is none, when a form is sent, then it is refused", async () => {
    expect(elementOf(await postForm({ key: "a" }, { ...SIGNATURE, policy: "nonsense" }), "Code")).toBe(
      "InvalidPolicyDocument",
    );
  });
});

test("given fields that no header can hold, when a form is sent, then it is refused", async () => {
  expect((await postForm({ key: "a", "Cache-Control": "a\r\nx-evil: 1" })).status).toBe(400);
  expect((await postForm({ key: "a", "x-amz-meta-not a token": "1" })).status).toBe(400);
  expect(elementOf(await postForm({ key: "a", acl: "public-read" }), "Code")).toBe("AccessControlListNotSupported");
});

describe("broken forms", () => {
  test.each([
    ["no boundary", "multipart/form-data", "x"],
    [
      "no file",
      "multipart/form-data; boundary=b",
      '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--b--\r\n',
    ],
    [
      "no end",
      "multipart/form-data; boundary=b",
      `${Object.entries({ key: "k", policy: policy(anything({ key: "k" })), ...SIGNATURE })
        .map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
        .join("")}--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc`,
    ],
  ])("given %s, when a form is sent, then it is malformed", async (_, type, body) => {
    const answer = await s3.send({ method: "POST", path: "/videos", headers: { "content-type": type }, body });
    expect([answer.status, elementOf(answer, "Code")]).toEqual([400, "MalformedPOSTRequest"]);
  });

  test("given no key, when a form is sent, then it is requested", async () => {
    expect(elementOf(await postForm({}), "ArgumentName")).toBe("key");
  });

  test("given no form at all, when a bucket is posted to, then one is required", async () => {
    expect((await s3.send({ method: "POST", path: "/videos", body: "x" })).status).toBe(412);
  });
});
