import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import type { Backend } from "../../../infra/console/api/backend.ts";
import { checkPattern } from "../../../infra/console/api/pattern-lines.ts";
import type { About, Message } from "../../../infra/console/api/types.ts";
import { LogIndex } from "../../../infra/console/local/log-index.ts";
import { consoleService } from "../../../infra/console/service.ts";
import type { BusEvent } from "../../../infra/emulator/events/index.ts";
import { FAULT_SWITCHES, openFaultSwitches } from "../../../infra/local/fault-switches.ts";

const TOKEN = "a-token-that-nobody-guesses";

const STAGE = { where: "stage", name: "prod", bus: "video-split-prod", confirm: "prod" } as About;

/** A backend that records what it was asked for. */
function recording(): {
  backend: Backend;
  asked: unknown[][];
  send: (message: Message) => void;
  listening: () => number;
} {
  const asked: unknown[][] = [];
  const listeners = new Set<(message: Message) => void>();
  const record =
    (name: string) =>
    (...given: unknown[]): never => {
      asked.push([name, ...given.filter((each) => !(each instanceof AbortSignal))]);
      return {} as never;
    };
  const names = [
    "videos",
    "segments",
    "keyframes",
    "addresses",
    "uploadAddress",
    "events",
    "replay",
    "deadLetters",
    "redrive",
    "request",
  ];
  const recorders = Object.fromEntries([...names, "faults", "switchFaults"].map((name) => [name, record(name)]));
  const backend = {
    ...recorders,
    about: async () => STAGE,
    document: async (id: number) => (id === 7 ? { VideoId: 7 } : undefined),
    listen: (listener: (message: Message) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as Backend;
  const send = (message: Message) => {
    for (const listener of listeners) listener(message);
  };
  return { backend, asked, send, listening: () => listeners.size };
}

async function serve(backend: Backend): Promise<number> {
  const server = createServer(consoleService(backend, TOKEN, "local").handle).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

type Asked = { method?: string; token?: string | undefined; type?: string; body?: string };

async function ask(port: number, path: string, { method = "GET", token = TOKEN, type, body }: Asked = {}) {
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const headers = {
    ...length,
    ...(token !== "" && { "x-console-token": token }),
    ...(type && { "content-type": type }),
  };
  const sent = request({ port, host: "127.0.0.1", path, method, headers });
  sent.end(body);
  const [response] = await once(sent, "response");
  const content = await text(response);
  const isJson = response.headers["content-type"] === "application/json";
  return { status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(content) : content };
}

const post = (port: number, path: string, body: unknown) =>
  ask(port, `/console/api/${path}`, { method: "POST", type: "application/json", body: JSON.stringify(body) });

it("answers nobody without the token, and reads no body of theirs", async () => {
  const { backend, asked } = recording();
  const port = await serve(backend);
  for (const token of ["", "wrong", `${TOKEN}x`])
    for (const [method, path] of [
      ["GET", "about"],
      ["GET", "stream"],
      ["POST", "faults"],
      ["POST", "nothing"],
    ] as const) {
      const answer = await ask(port, `/console/api/${path}`, { method, token, type: "application/json", body: "{}" });
      expect([answer.status, answer.body.message]).toEqual([401, expect.stringContaining("printed at its start")]);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
  expect(asked).toEqual([]);
  expect(await ask(port, "/console/api/about")).toMatchObject({ status: 200, body: STAGE });
});

it("takes JSON only, of a limited length, and says what is wrong in a sentence", async () => {
  const { backend, asked } = recording();
  const port = await serve(backend);
  const path = "/console/api/faults";
  const refused = [
    await ask(port, path, { method: "POST", type: "text/plain", body: '{"on":[]}' }),
    await ask(port, path, { method: "POST", type: "application/json", body: "{" }),
    await ask(port, path, {
      method: "POST",
      type: "application/json",
      body: JSON.stringify({ on: ["x".repeat(70_000)] }),
    }),
    await post(port, "faults", { on: 1 }),
    await post(port, "uploads", { name: "a.mp4", segmentSeconds: 0 }),
    await ask(port, "/console/api/videos?limit=100000"),
    await ask(port, "/console/api/addresses?ids=1,x"),
    await ask(port, "/console/api/events?pattern=%7B%22a%22%3A1%7D"),
    await ask(port, "/console/api/documents/8"),
    await ask(port, "/console/api/toString"),
    await ask(port, path, { method: "DELETE", type: "application/json", body: "{}" }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([415, 400, 413, 400, 400, 400, 400, 400, 404, 404, 404]);
  for (const { body } of refused) expect(body.message).toMatch(/\w+ \w+/);
  expect(asked).toEqual([]);
});

it("passes on what is asked for, with the VideoId of the path", async () => {
  const { backend, asked } = recording();
  const port = await serve(backend);
  await ask(port, "/console/api/videos?before=9");
  await ask(port, "/console/api/videos/5/segments?from=2&limit=3");
  await ask(port, "/console/api/videos/5/keyframes");
  await ask(port, "/console/api/addresses?ids=1,2");
  expect((await ask(port, "/console/api/documents/7")).body).toEqual({ VideoId: 7 });
  expect(asked).toEqual([
    ["videos", { before: 9, limit: 50 }],
    ["segments", 5, { from: 2, limit: 3 }],
    ["keyframes", 5],
    ["addresses", [1, 2]],
  ]);
});

it("changes a stage only when its name confirms it", async () => {
  const { backend, asked } = recording();
  const port = await serve(backend);
  const changes = [
    ["dead-letters/redrive", { ids: ["a"] }],
    ["requests", { bucket: "b", key: "k" }],
    ["replay", { from: "2026-11-23T09:41:02Z" }],
  ] as const;
  for (const [path, body] of changes) {
    expect((await post(port, path, body)).status).toBe(409);
    expect((await post(port, path, { ...body, confirm: "other" })).status).toBe(409);
  }
  expect(asked).toEqual([]);
  for (const [path, body] of changes) expect((await post(port, path, { ...body, confirm: "prod" })).status).toBe(200);
  expect(asked.map(([name]) => name)).toEqual(["redrive", "request", "replay"]);
});

it("streams messages, many changes of documents as one, and stops when the page goes", async () => {
  const { backend, send, listening } = recording();
  const port = await serve(backend);
  const sent = request({ port, host: "127.0.0.1", path: "/console/api/stream", headers: { "x-console-token": TOKEN } });
  sent.end();
  const [response] = await once(sent, "response");
  expect(response.headers["content-type"]).toBe("text/event-stream");
  response.setEncoding("utf8");
  let received = "";
  response.on("data", (chunk: string) => {
    received += chunk;
  });
  await expect.poll(listening).toBe(1);
  for (let n = 0; n < 5; n += 1) send({ type: "documents" });
  send({ type: "fault", fault: "a\nb", time: "t" });
  await expect.poll(() => received).toContain('data: {"type":"documents"}\n\n');
  expect(received).toContain('data: {"type":"fault","fault":"a\\nb","time":"t"}\n\n');
  expect(received.match(/"documents"/g)).toHaveLength(1);
  response.destroy();
  await expect.poll(listening).toBe(0);
});

it("serves a page without anything inline, that runs its own script only", async () => {
  const port = await serve(recording().backend);
  const page = await ask(port, "/console", { token: "" });
  const policy = String(page.headers["content-security-policy"]);
  expect(policy).toContain(`script-src http://127.0.0.1:${port}/console/assets/;`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*/);
  expect(page.body).not.toMatch(
    /<script(?! type="module" src="\/console\/assets\/main\.js"><\/script>)|style=|onload=/,
  );
  expect((await ask(port, "/console/assets/other.js", { token: "" })).status).toBe(404);
  expect((await ask(port, "/console", { method: "POST", token: "" })).status).toBe(405);
});

it("says whether EventBridge takes a pattern, and the lines that make it a rule", () => {
  const taken = checkPattern('{ "source": ["it\'s"] }', "video-split", "http://127.0.0.1:4566");
  expect(taken).toEqual({
    cli: `aws --endpoint-url http://127.0.0.1:4566 events put-rule --name my-rule --event-bus-name video-split --event-pattern '{"source":["it'\\''s"]}'`,
    sst: 'new aws.cloudwatch.EventRule("MyRule", { eventBusName: "video-split", eventPattern: JSON.stringify({"source":["it\'s"]}) });',
  });
  const refusals = ["{", '{"source": "video-split"}', "{}", JSON.stringify({ source: ["x".repeat(2_100)] })];
  expect(refusals.map((pattern) => checkPattern(pattern, "b").refusal)).toEqual([
    expect.stringMatching(/isn't JSON/),
    expect.stringMatching(/must be an object or an array/),
    expect.stringMatching(/empty|not valid/i),
    expect.stringMatching(/2115 characters; EventBridge takes 2048/),
  ]);
});

const created = (key: string, etag: string) =>
  ({
    source: "aws.s3",
    "detail-type": "Object Created",
    time: "t",
    detail: { bucket: { name: "b" }, object: { key, size: 1, etag } },
  }) as unknown as BusEvent;
const planned = (VideoId: number, key: string, etag: string) =>
  ({
    "detail-type": "SplitPlanned",
    // An id says which comes first.
    time: new Date(Date.UTC(2026, 10, 27) + VideoId * 1_000).toISOString(),
    detail: { data: { VideoId, bucket: "b", key, etag, cut: "exact", segment_seconds: 5, segment_count: 2 } },
  }) as unknown as BusEvent;

it("finds in the log which uploads no document is about, and the plans", () => {
  const index = new LogIndex({ bucket: "b", prefix: "uploads/" }, ["mp4"]);
  index.add("video", planned(1, "uploads/early.mp4", "e"));
  for (const [key, etag] of [
    ["uploads/early.mp4", "e"],
    ["elsewhere/x.mp4", "x"],
    ["uploads/a.mp4", "a"],
    ["uploads/n.txt", "n"],
  ] as const)
    index.add("default", created(key, etag));
  expect(index.waiting().map(({ key, accepted }) => [key, accepted])).toEqual([
    ["uploads/n.txt", false],
    ["uploads/a.mp4", true],
  ]);
  index.add("video", planned(2, "uploads/a.mp4", "a"));
  index.add("default", created("uploads/a.mp4", "changed"));
  expect(index.waiting().map(({ key }) => key)).toEqual(["uploads/a.mp4", "uploads/n.txt"]);
  expect([index.idsBefore(undefined), index.idsBefore(2)]).toEqual([[2, 1], [1]]);
  const ended = planned(2, "uploads/a.mp4", "a") as BusEvent & { detail: { data: { segment_count: number } } };
  ended["detail-type"] = "VideoSplit";
  ended.detail.data.segment_count = 1;
  index.add("video", ended);
  index.add("video", planned(2, "uploads/a.mp4", "a"));
  expect(index.withPlan({ VideoId: 2 } as never)).toMatchObject({ plan: { segment_seconds: 5, segment_count: 1 } });
});

it("lists uploads by their first event, in whatever order the events are added", () => {
  const index = new LogIndex({ bucket: "b", prefix: "" }, ["mp4"]);
  for (const id of [9, 1, 2, 3, 9]) index.add("video", planned(id, `${id}.mp4`, "e"));
  expect([undefined, 3, 1, 7].map((before) => index.idsBefore(before))).toEqual([[9, 3, 2, 1], [2, 1], [], []]);
});

it("faults happen while they're switched on", async () => {
  const happened: string[] = [];
  const faults = openFaultSwitches((fault) => happened.push(fault));
  const deliveries = async () => {
    let count = 0;
    const event = { "detail-type": "VideoSplit", detail: {} };
    const deliver = async () => {
      count += 1;
    };
    const all = Array.from({ length: 20 }, (_, n) =>
      faults.interceptDelivery({ target: `t${n}`, event, requestId: `${n}` }, deliver),
    );
    await Promise.all(all);
    return count;
  };
  expect(await deliveries()).toBe(20);
  faults.switchTo(["duplicates", "kills"]);
  expect(faults.on()).toEqual(["duplicates", "kills"]);
  expect(await deliveries()).toBeGreaterThan(20);
  expect(happened.every((fault) => FAULT_SWITCHES.duplicates.kinds.some((kind) => kind === fault))).toBe(true);
  faults.switchTo([]);
  expect(await deliveries()).toBe(20);
});
