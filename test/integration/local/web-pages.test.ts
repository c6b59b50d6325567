import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { ListObjectsV2Command, PutBucketCorsCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { runInPage } from "../../fixtures/browser.ts";
import { openTestStack, type TestStack } from "../../fixtures/stack.ts";

const signedFor = (service: string): string =>
  `authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;

/** A request to each service, with how its refusal names itself. */
const SERVICES = [
  ["S3", "PUT /video-split-uploads/uploads/a.mp4", "", "<Code>AccessDenied</Code>"],
  ["DynamoDB", "POST /", "x-amz-target: DynamoDB_20120810.ListTables", '"__type":"AccessDeniedException"'],
  ["EventBridge", "POST /", "x-amz-target: AWSEvents.PutEvents", '"__type":"AccessDeniedException"'],
  ["SQS", "POST /", "x-amz-target: AmazonSQS.ListQueues", '"__type":"AccessDenied"'],
  ["Lambda", "POST /2015-03-31/functions/split/invocations", signedFor("lambda"), "x-amzn-errortype: AccessDenied"],
  [
    "tags",
    "POST /",
    "x-amz-target: ResourceGroupsTaggingAPI_20170126.GetResources",
    '"__type":"AccessDeniedException"',
  ],
] as const;

const portOf = ({ stack }: TestStack): number => Number(new URL(stack.endpoint).port);

/** Sends a request unchanged. Returns the whole response. */
async function send(port: number, line: string, headers: readonly string[], body = ""): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const length = `content-length: ${Buffer.byteLength(body)}`;
  const lines = [`${line} HTTP/1.1`, ...headers.filter(Boolean), length, "connection: close", "", body];
  socket.write(lines.join("\r\n"));
  return text(socket);
}

const contents = async ({ s3, stack }: TestStack): Promise<(string | undefined)[]> =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: stack.names.uploads }))).Contents ?? []).map(({ Key }) => Key);

/** What a page of another site tries. Returns what it could read. */
const attempts = (endpoint: string, bucket: string): string => `
  const url = "${endpoint}/${bucket}/uploads/page.mp4";
  const read = [];
  const attempt = (target, init) => fetch(target, init).then((r) => r.text()).then((t) => t && read.push(t), () => {});
  const elsewhere = (make) => new Promise((done) => { const e = make(); e.onload = e.onerror = done; document.body.append(e); });
  const form = document.createElement("form");
  const target = document.createElement("iframe");
  target.name = "target";
  document.body.append(target, form);
  Object.assign(form, { action: "${endpoint}/${bucket}", method: "post", enctype: "multipart/form-data", target: "target" });
  const file = document.createElement("input");
  const chosen = new DataTransfer();
  chosen.items.add(new File(["video"], "page.mp4"));
  Object.assign(file, { type: "file", name: "file", files: chosen.files });
  const key = Object.assign(document.createElement("input"), { name: "key", value: "uploads/page.mp4" });
  form.append(key, file);
  const loaded = new Promise((done) => { target.onload = done; });
  form.submit();
  await loaded;
  for (const mode of ["no-cors", "cors"]) {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) await attempt(url, { method, mode, ...(method !== "GET" && { body: "video" }) });
    for (const target of ["DynamoDB_20120810.ListTables", "AWSEvents.ListEventBuses", "AmazonSQS.ListQueues"])
      await attempt("${endpoint}/", { method: "POST", mode, body: "{}", headers: { "x-amz-target": target } });
    await attempt("${endpoint}/2015-03-31/functions/split/configuration", { mode, headers: { authorization: ${JSON.stringify(signedFor("lambda").slice("authorization: ".length))} } });
    await attempt("${endpoint}/", { mode });
  }
  const body = new FormData();
  body.append("key", "uploads/page.mp4");
  body.append("file", new File(["video"], "page.mp4"));
  await attempt("${endpoint}/${bucket}", { method: "POST", mode: "no-cors", body });
  navigator.sendBeacon("${endpoint}/${bucket}", body);
  await elsewhere(() => Object.assign(new Image(), { src: url }));
  await elsewhere(() => Object.assign(document.createElement("script"), { src: "${endpoint}/" }));
  await new Promise((done) => { new WebSocket("${endpoint}/".replace("http", "ws")).onerror = done; });
  return read;`;

const LOOPBACK_HOSTS = ["127.0.0.1", "127.0.0.1:PORT", "127.8.9.10:PORT", "[::1]:PORT", "localhost:PORT", "LOCALHOST"];

it("refuses, over a plain connection, each host that isn't this machine and each foreign page, in the service's own form", async () => {
  const stack = await openTestStack();
  const port = portOf(stack);
  const own = `host: 127.0.0.1:${port}`;
  const foreign = [
    ["host: rebind.evil.example"],
    [`host: rebind.evil.example:${port}`],
    [`host: 127.0.0.1.evil.example:${port}`],
    [`host: localhost.evil.example:${port}`],
    ["host: video-split-uploads.s3.evil.example"],
    [`host: 0.0.0.0:${port}`],
    ["host: "],
    [own, "origin: https://evil.example"],
    [own, "origin: null"],
    [own, "origin: http://127.0.0.1:1"],
    [own, `origin: http://localhost:${port}`],
    [own, `origin: https://127.0.0.1:${port}`],
    [own, "sec-fetch-site: cross-site"],
    [own, "sec-fetch-site: same-site"],
  ];
  for (const [service, line, header, code] of SERVICES) {
    for (const headers of foreign) {
      const answer = await send(port, line, [...headers, header], "{}");
      expect(answer, `${service} ${headers.join(", ")}`).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).toContain(code);
    }
    const asked = [own, "origin: https://evil.example", "access-control-request-method: PUT", header];
    expect(await send(port, `OPTIONS ${line.split(" ")[1]}`, asked)).toMatch(/^HTTP\/1\.1 403 /);
    const upgrade = [own, "origin: https://evil.example", "connection: upgrade", "upgrade: websocket", header];
    expect(await send(port, line, upgrade)).toMatch(/^HTTP\/1\.1 403 /);
  }
  expect(await contents(stack)).toEqual([]);

  for (const host of LOOPBACK_HOSTS.map((name) => name.replace("PORT", String(port)))) {
    const answer = await send(port, "GET /video-split-uploads", [`host: ${host}`, "sec-fetch-site: none"]);
    expect(answer, host).toMatch(/^HTTP\/1\.1 200 /);
  }
  const ownPage = [own, `origin: http://127.0.0.1:${port}`, "sec-fetch-site: same-origin"];
  expect(await send(port, "GET /video-split-uploads", ownPage)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await send(port, "GET /", [`host: video-split-uploads.localhost:${port}`])).toContain("<ListBucketResult");
});

const isInstalled = spawnSync("chromium", ["--version"]).status === 0;
const name = isInstalled ? "a page" : "a page (SKIPPED: no `chromium` on PATH, so nothing here was tried)";

describe.skipIf(!isInstalled)(name, () => {
  it("in Chromium, on another site or port, reads and changes nothing, until the bucket's CORS rules allow it", async () => {
    const stack = await openTestStack();
    const { endpoint, names } = stack.stack;
    const local = endpoint.replace("127.0.0.1", "localhost");
    expect(await runInPage("evil.example", attempts(endpoint, names.uploads))).toEqual([]);
    expect(await runInPage("localhost", attempts(local, names.uploads))).toEqual([]);
    expect(await contents(stack)).toEqual([]);
    expect(await stack.busEvents("default")).toEqual([]);

    const rule = { AllowedOrigins: ["*"], AllowedMethods: ["PUT"], AllowedHeaders: ["x-amz-meta-*"] };
    await stack.s3.send(new PutBucketCorsCommand({ Bucket: names.uploads, CORSConfiguration: { CORSRules: [rule] } }));
    const key = `${local}/${names.uploads}/mine.txt`;
    const signature = `X-Amz-Date=${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}&X-Amz-Expires=60&X-Amz-Signature=0`;
    const put = (url: string) =>
      `return (await fetch("${url}", { method: "PUT", body: "mine", headers: { "x-amz-meta-cut": "exact" } })).status;`;
    expect(await runInPage("localhost", put(`${key}?${signature}`))).toBe(200);
    expect(await runInPage("localhost", put(key))).toBe(403);
    expect(await runInPage("evil.example", put(`${key}?${signature}`))).toMatch(/^TypeError/);
    expect(await contents(stack)).toEqual(["mine.txt"]);
  });
});
