import {
  type CORSRule,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  GetBucketPolicyCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseXml } from "../../../infra/emulator/s3/xml-reading.ts";
import { elementOf, refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
  await s3.send({ method: "PUT", path: "/videos/k", body: "content" });
});
afterAll(() => s3.stop());

describe("answers", () => {
  test("given any request, then its answer has S3's identifying headers", async () => {
    const { headers } = await s3.send({ path: "/videos/k" });
    expect(headers["x-amz-request-id"]).toMatch(/^[0-9A-F]{16}$/);
    expect(headers["x-amz-id-2"]).toMatch(/^[\w+/]{64}$/);
    expect(headers.server).toBe("AmazonS3");
  });

  test("given a refusal, then it is a document that names code, resource and request", async () => {
    const answer = await s3.send({ path: "/videos/no%26such" });
    expect([answer.status, answer.headers["content-type"]]).toEqual([404, "application/xml"]);
    const error = parseXml(answer.body.toString());
    const fields = Object.fromEntries(error.children.map(({ name, text }) => [name, text]));
    expect(fields).toMatchObject({
      Code: "NoSuchKey",
      Key: "no&such",
      Resource: "/videos/no&such",
      RequestId: answer.headers["x-amz-request-id"],
    });
  });

  test("given a HEAD, when it is refused, then there is no body", async () => {
    const answer = await s3.send({ method: "HEAD", path: "/videos/nothing" });
    expect([answer.status, answer.body.length]).toEqual([404, 0]);
  });
});

describe("what isn't served", () => {
  test.each([
    ["GET", "/videos?policy", "GetBucketPolicy"],
    ["PUT", "/videos?lifecycle", "PutBucketLifecycleConfiguration"],
    ["DELETE", "/videos?website", "DeleteBucketWebsite"],
    ["PUT", "/videos/k?acl", "PutObjectAcl"],
    ["POST", "/videos/k?restore", "PostObjectRestore"],
    ["PUT", "/videos/k?retention", "PutObjectRetention"],
    ["PUT", "/videos/k?newerThanThisServer", "PutObject?newerThanThisServer"],
    ["GET", "/videos?constructor", "GetBucket?constructor is"],
    ["PUT", "/videos/k?__proto__", "PutObject?__proto__ is"],
  ])("given %s %s, then it is not implemented and named %s", async (method, path, name) => {
    const answer = await s3.send({ method, path });
    expect([answer.status, elementOf(answer, "Code")]).toEqual([501, "NotImplemented"]);
    expect(elementOf(answer, "Message")).toContain(name);
  });

  test("given such a call by the SDK, then it gets the code", async () => {
    expect(await refusalOf(s3.client.send(new GetBucketPolicyCommand({ Bucket: "videos" })))).toBe("NotImplemented");
    const Rules = [{ Status: "Enabled" as const, Filter: { Prefix: "" }, Expiration: { Days: 1 } }];
    const command = new PutBucketLifecycleConfigurationCommand({
      Bucket: "videos",
      LifecycleConfiguration: { Rules },
    });
    expect(await refusalOf(s3.client.send(command))).toBe("NotImplemented");
  });

  test("given a parameter that is called as a member of each object, when it has a value, then it is ignored", async () => {
    expect((await s3.send({ path: "/videos/k?toString=1" })).body.toString()).toBe("content");
  });

  test.each([
    ["PATCH", "/videos/k"],
    ["POST", "/videos/k"],
    ["DELETE", "/"],
  ])("given %s %s, then the method is not allowed", async (method, path) => {
    const answer = await s3.send({ method, path });
    expect([answer.status, elementOf(answer, "Code")]).toEqual([405, "MethodNotAllowed"]);
  });
});

describe("documents", () => {
  test.each([
    ["no XML", "not xml"],
    ["another root", "<Other/>"],
    ["open tags", "<VersioningConfiguration><Status>Enabled"],
    ["crossed tags", "<VersioningConfiguration><Status>Enabled</VersioningConfiguration></Status>"],
    ["two roots", "<VersioningConfiguration/><VersioningConfiguration/>"],
    ["an entity of its own", '<!DOCTYPE x [<!ENTITY e "Enabled">]><VersioningConfiguration/>'],
    [
      "an entity that only an object has",
      "<VersioningConfiguration><Status>&toString;</Status></VersioningConfiguration>",
    ],
    ["a bare ampersand", "<VersioningConfiguration><Status>a & b</Status></VersioningConfiguration>"],
    ["another value", "<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>"],
    ["no content", ""],
  ])("given %s, when versioning is set, then the document is malformed", async (_, body) => {
    const answer = await s3.send({ method: "PUT", path: "/videos?versioning", body });
    expect([answer.status, elementOf(answer, "Code")]).toEqual([400, "MalformedXML"]);
  });

  test("given a declaration, comments, character data and references, when a document is read, then its text is right", () => {
    const source = `\uFEFF<?xml version="1.0"?><!-- c --><s3:a xmlns:s3="urn:x"><b>1 &lt;&#x20;&#50;</b><b><![CDATA[<&>]]></b><c/></s3:a>\n`;
    expect(parseXml(source)).toEqual({
      name: "a",
      text: "",
      children: [
        { name: "b", text: "1 < 2", children: [] },
        { name: "b", text: "<&>", children: [] },
        { name: "c", text: "", children: [] },
      ],
    });
  });

  test("given a document of more than 8 MiB, when it is sent, then it is too large", async () => {
    const body = Buffer.alloc(8 * 2 ** 20 + 1, " ");
    expect(elementOf(await s3.send({ method: "PUT", path: "/videos?versioning", body }), "Code")).toBe(
      "MaxMessageLengthExceeded",
    );
  });
});

describe("pages of browsers", () => {
  const preflight = (origin: string, method = "PUT", headers = "content-type,x-amz-meta-cut") =>
    s3.send({
      method: "OPTIONS",
      path: "/videos/k",
      headers: { origin, "access-control-request-method": method, "access-control-request-headers": headers },
    });
  const setRules = (...CORSRules: CORSRule[]) =>
    s3.client.send(new PutBucketCorsCommand({ Bucket: "videos", CORSConfiguration: { CORSRules } }));
  const RULE: CORSRule = {
    ID: "pages",
    AllowedOrigins: ["https://app.example.com", "https://*.example.org", "http://localhost:*"],
    AllowedMethods: ["PUT", "GET"],
    AllowedHeaders: ["Content-Type", "x-amz-*"],
    ExposeHeaders: ["ETag"],
    MaxAgeSeconds: 60,
  };
  const refused = [403, "AccessForbidden"];

  test("given no rules, when a page sends a preflight, then it is refused", async () => {
    const answer = await preflight("http://localhost:5173");
    expect([answer.status, elementOf(answer, "Code")]).toEqual(refused);
    expect(await refusalOf(s3.client.send(new GetBucketCorsCommand({ Bucket: "videos" })))).toBe(
      "NoSuchCORSConfiguration",
    );
  });

  test("given a rule, when it is read after a restart, then it is unchanged, until it's deleted", async () => {
    await setRules(RULE);
    await s3.restart();
    expect((await s3.client.send(new GetBucketCorsCommand({ Bucket: "videos" }))).CORSRules).toEqual([RULE]);
    await s3.client.send(new DeleteBucketCorsCommand({ Bucket: "videos" }));
    expect((await preflight("https://app.example.com")).status).toBe(403);
  });

  test.each(["https://app.example.com", "https://a.example.org", "http://localhost:5173"])(
    "given a rule for %s, when its page asks first, then it may send what is signed, and read",
    async (origin) => {
      await setRules(RULE);
      const answer = await preflight(origin);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "PUT, GET",
        "access-control-allow-headers": "content-type,x-amz-meta-cut",
        "access-control-max-age": "60",
      });
      const unsigned = await s3.send({ path: "/videos/k", headers: { origin } });
      expect([unsigned.status, elementOf(unsigned, "Code")]).toEqual([403, "AccessDenied"]);
      const read = await s3.send({ path: "/videos/k", headers: { origin, authorization: "AWS4-HMAC-SHA256 x" } });
      expect(read.headers).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "ETag",
      });
    },
  );

  test.each([
    ["another origin", "https://example.com", "PUT", "content-type"],
    ["another scheme", "http://app.example.com", "PUT", "content-type"],
    ["another method", "https://app.example.com", "DELETE", "content-type"],
    ["another header", "https://app.example.com", "PUT", "authorization"],
  ])("given a rule, when a page requests %s, then it is refused", async (_, origin, method, headers) => {
    await setRules(RULE);
    const answer = await preflight(origin, method, headers);
    expect([answer.status, elementOf(answer, "Code")]).toEqual(refused);
  });

  test.each(["https://evil.example", "null", "http://localhost.evil.example"])(
    "given a rule for all origins, when a page of %s asks first, then it may not: it has to be named",
    async (origin) => {
      await setRules({ AllowedOrigins: ["*", "http*", "null"], AllowedMethods: ["PUT"], AllowedHeaders: ["*"] });
      expect((await preflight(origin)).status).toBe(403);
      expect((await preflight("http://127.0.0.1:5173")).status).toBe(200);
    },
  );

  test.each([
    ["two wildcards", { AllowedOrigins: ["http://*.a.*"], AllowedMethods: ["PUT"] }, "InvalidRequest"],
    ["a method that no rule can have", { AllowedOrigins: ["*"], AllowedMethods: ["PATCH"] }, "InvalidRequest"],
    ["no methods", { AllowedOrigins: ["*"], AllowedMethods: [] }, "MalformedXML"],
  ])("given a rule with %s, when it is put, then it is refused", async (_, rule, code) => {
    expect(await refusalOf(setRules(rule))).toBe(code);
  });
});
