import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type {
  Addresses,
  Events,
  Segments,
  UploadAddress,
  UploadRequest,
  Videos,
} from "../../infra/console/api/types.ts";
import { serveConsole } from "../../infra/console/commands/console.ts";
import { stageBackend } from "../../infra/console/stage/backend.ts";
import { parseSettings } from "../../infra/settings.ts";
import {
  type ConsoleStack,
  dropFile,
  findChromium,
  keyframeMarksAt,
  openChromium,
  openConsoleStack,
  seriousIssues,
} from "../fixtures/console.ts";
import { makeMedia } from "../fixtures/media.ts";
import { readByPage, serveBlankPage, statusOf } from "../fixtures/other-pages.ts";
import { sharedFolder, temporaryFolder } from "../fixtures/temporary.ts";

const output = { isBroken: false };
let directory: string;
let opened: ConsoleStack;
let video: string;

beforeAll(async () => {
  directory = await sharedFolder();
  video = await makeMedia(directory, "keyframe-each-second.mp4");
  opened = await openConsoleStack(join(directory, "state"), output);
});
afterAll(async () => {
  await opened.stack.close();
  await rm(directory, { recursive: true, force: true });
});

const api = async (path: string, body?: unknown): Promise<Response> =>
  fetch(`${opened.stack.endpoint}/console/api/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-console-token": opened.token, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const get = async <T>(path: string): Promise<T> => (await (await api(path)).json()) as T;

/** Uploads the video as the page does. Returns its key. */
async function upload(request: UploadRequest): Promise<string> {
  const { url, headers, key } = (await (await api("uploads", request)).json()) as UploadAddress;
  const put = await fetch(opened.stack.endpoint + url, { method: "PUT", headers, body: await readFile(video) });
  expect(put.status).toBe(200);
  return key;
}

const credentials = { accessKeyId: "x", secretAccessKey: "x" };

/** Markup, quotes, and what an address or a pattern could misunderstand. */
const NAME = `<img src=x onerror="window.injected=1"> & 'it' %2F ?#.mp4`;

const portOfStack = (): number => Number(new URL(opened.stack.endpoint).port);
const status = (line: string, headers: readonly string[]) => statusOf(portOfStack(), line, headers);

it("the API answers no other host, no other origin and nobody without the token", async () => {
  const own = `host: ${new URL(opened.stack.endpoint).host}`;
  const token = `x-console-token: ${opened.token}`;
  const paths = ["/console", "/console/api/about", "/console/api/stream"];
  for (const line of [...paths.map((path) => `GET ${path}`), "POST /console/api/dead-letters/redrive"])
    for (const foreign of [
      ["host: rebind.example", token],
      [own, token, "origin: https://evil.example"],
      [own, token, "origin: null"],
      [own, token, "origin: http://localhost:1"],
      [own, token, "sec-fetch-site: cross-site"],
    ])
      expect(await status(line, foreign), `${line} ${foreign.join(", ")}`).toBe("HTTP/1.1 403 Forbidden");
  expect(await status("OPTIONS /console/api/about", [own, "origin: https://evil.example"])).toMatch(/ 403 /);
  expect(await status("GET /console/api/about", [own])).toMatch(/ 401 /);
  expect(await status("GET /console/api/about", [own, token])).toMatch(/ 200 /);
  expect(await status("GET /console", [own])).toMatch(/ 200 /);
});

it("a bucket may have the console's name: what is signed is for S3", async () => {
  const { endpoint, region } = opened.stack;
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  onTestFinished(() => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: "console" }));
  await s3.send(new PutObjectCommand({ Bucket: "console", Key: "api/about", Body: "mine" }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: "console", Key: "api/about" }));
  expect(await Body?.transformToString()).toBe("mine");
  await s3.send(new DeleteObjectCommand({ Bucket: "console", Key: "api/about" }));
});

it("uploads, lists, pages and signs over the API; a stage's console reads the same documents", {
  tags: "full",
}, async () => {
  expect(await upload({ name: "api.mp4", segmentSeconds: 2 })).toBe("uploads/api.mp4");
  expect(await (await api("uploads", { name: "api.mp4" })).json()).toMatchObject({ key: "uploads/api (2).mp4" });
  await opened.stack.idle();

  const { videos, waiting } = await get<Videos>("videos");
  expect([videos, waiting]).toMatchObject([[{ name: "api", status: "split", plan: { segment_seconds: 2 } }], []]);
  expect(videos[0]).not.toHaveProperty("sub_videos");
  const id = videos[0]!.VideoId;
  const { segments, more } = await get<Segments>(`videos/${id}/segments?from=1&limit=1`);
  expect([segments, more]).toMatchObject([[{ segment_index: 1, start: 2, made: "copied" }], true]);

  const addresses = await get<Addresses>(`addresses?ids=${id},${id + 1},999`);
  expect(Object.keys(addresses).sort()).toEqual([String(id), String(id + 1)]);
  const media = await fetch(opened.stack.endpoint + addresses[id + 1]!.media, { headers: { range: "bytes=0-9" } });
  expect(media.status).toBe(206);

  const keyframes = { known: true, count: 6, times: [0, 1, 2, 3, 4, 5] };
  expect(await get(`videos/${id}/keyframes`)).toEqual(keyframes);
  expect((await api(`videos/${id + 1}/keyframes`)).status).toBe(404);

  const pattern = encodeURIComponent('{"detail-type": ["SegmentCreated"]}');
  const page = await get<Events>(`events?pattern=${pattern}&limit=2`);
  expect([page.events.length, page.more]).toEqual([2, true]);
  const rest = await get<Events>(`events?pattern=${pattern}&limit=2&before=${page.events[1]!.id}`);
  expect([rest.events.length, rest.more]).toEqual([1, false]);
  const replayed = await (await api("replay", { from: page.events[0]!.time })).json();
  expect(replayed).toMatchObject({ before: 4, after: 4, changed: 0 });

  const environment = { AWS_ENDPOINT_URL: opened.stack.endpoint, AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" };
  Object.assign(process.env, environment);
  onTestFinished(() => {
    for (const name of Object.keys(environment)) delete process.env[name];
  });
  const stage = stageBackend("local", parseSettings({}));
  expect(await stage.about()).toMatchObject({ confirm: "local", can: { upload: false, events: false } });
  expect(await stage.videos({ limit: 10 })).toMatchObject({ videos: [{ VideoId: id, status: "split" }], more: false });
  expect((await stage.segments(id, { from: 0, limit: 10 })).segments).toHaveLength(3);
  expect(await stage.document(id)).toMatchObject({ sub_videos: [id + 1, id + 2, id + 3] });
  expect((await stage.addresses([id]))[id]?.media).toContain("X-Amz-Signature=");
  expect(await stage.keyframes(id, new AbortController().signal)).toEqual(keyframes);
  expect(await stage.deadLetters(new AbortController().signal)).toEqual([]);
  expect(() => stage.faults()).toThrow(/can't be injected/);

  const served = await serveConsole(stage, 0);
  onTestFinished(() => served.close());
  const { origin, hash, port } = new URL(served.address);
  const token = hash.slice(1);
  const asked = { headers: { "x-console-token": token } };
  expect(await (await fetch(`${origin}/console/api/about`, asked)).json()).toMatchObject({ where: "stage" });
  expect((await fetch(`${origin}/console/api/about`)).status).toBe(401);
  expect((await fetch(`${origin}/`)).headers.get("content-security-policy")).toContain("https://*.amazonaws.com");
  const own = `host: 127.0.0.1:${port}`;
  for (const headers of [
    [`host: rebind.example:${port}`],
    [own, "origin: https://evil.example"],
    [own, "sec-fetch-site: cross-site"],
  ])
    expect(await statusOf(Number(port), "GET /console", [...headers, `x-console-token: ${token}`])).toMatch(/ 403 /);
});

const chromium = findChromium();
const name = chromium === undefined ? "the page (SKIPPED: there is no `chromium` on the PATH)" : "the page";

/** A split of six seconds takes two, and far longer on a busy machine. */
const TIMEOUT_MS = 120_000;

/** Of the browser's `<video>`. */
type Media = { currentTime: number; duration: number };

const card = (page: Page, named: string) => page.getByRole("article", { name: named, exact: true });

describe.skipIf(chromium === undefined)(name, () => {
  let page: Page;
  const problems: string[] = [];
  beforeAll(async () => {
    const browser = await openChromium(chromium!, directory);
    page = await (await browser.newContext({ viewport: { width: 1_000, height: 900 } })).newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (said) => said.type() === "error" && problems.push(said.text()));
    await page.goto(opened.address);
    return () => browser.close();
  });

  it("splits a dropped video with markup in its name, and plays its segments", async () => {
    await page.getByLabel("Segment length").fill("2");
    // As where the video's document isn't there yet.
    await page.route(/\/keyframes$/, (route) => route.fulfill({ status: 404, json: { error: "not yet" } }), {
      times: 2,
    });
    await dropFile(page, video, NAME);
    const dropped = card(page, NAME.slice(0, -4));
    await dropped.getByText("split", { exact: true }).waitFor();
    await dropped.getByText("All 150 frames of the source are in the segments").waitFor();
    expect(await dropped.getByRole("listitem").count()).toBe(3);
    await dropped.getByText("6 keyframes, every 1.0 s on average").waitFor();
    // There are keyframes at 1 s and 3 s, and none at 1.5 s.
    const timeline = dropped.getByRole("img", { name: /6 keyframes, every 1\.0 s on average$/ });
    await expect
      .poll(() => keyframeMarksAt(timeline, [1 / 6, 1.5 / 6, 3 / 6]), { timeout: TIMEOUT_MS })
      .toEqual([true, false, true]);
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await dropped.getByRole("button", { name: NAME }).click();
    await timeline.waitFor({ state: "detached" });
    await dropped.getByRole("button", { name: NAME }).click();
    await timeline.waitFor();
    expect(requests.filter((url) => url.endsWith("/keyframes"))).toEqual([]);
    // Posters are images too; the name's has this source.
    const injected = "[document.querySelectorAll('img[src=\"x\"]').length, 'injected' in globalThis]";
    expect(await page.evaluate(injected)).toEqual([0, false]);

    await dropped.getByRole("button", { name: "Play segment 1" }).click();
    const first = dropped.getByLabel("Segment 1", { exact: true });
    const timesOf = () =>
      first.evaluate((element) => (({ currentTime, duration }) => [currentTime, duration])(element as Media));
    await expect.poll(async () => (await timesOf())[0], { timeout: TIMEOUT_MS }).toBeGreaterThan(0.2);
    expect((await timesOf())[1]).toBeCloseTo(2, 1);
    await dropped.getByRole("button", { name: "Play all" }).click();
    await first.evaluate((element) => {
      (element as Media).currentTime = 1.8;
    });
    await dropped.getByLabel("Segment 2", { exact: true }).and(page.locator(":not(.hidden)")).waitFor();
    await dropped.getByRole("button", { name: "Close" }).click();
    expect(await seriousIssues(page)).toEqual([]);
  });

  it("says why a file is not uploaded, and why an upload is rejected", async () => {
    const folder = await temporaryFolder();
    const [notes, fake] = [join(folder, "notes.txt"), join(folder, "fake.mp4")];
    await writeFile(notes, "text");
    await writeFile(fake, "text");
    await page.locator("input[type=file]").first().setInputFiles([notes, fake]);
    await page.getByText("Not uploaded. Its extension isn't one that is split.").waitFor();
    await card(page, "fake").getByText("NotMedia").waitFor();
    await page.getByRole("button", { name: "Remove" }).click();
  });

  it("filters events, and says which pattern AWS would refuse", async () => {
    await page.getByRole("tab", { name: "Events" }).click();
    const events = page.locator(".events > li");
    await page.getByLabel("Begin with").selectOption("Each end of a split");
    // While another pattern is applied, the list is empty.
    const shown = async () => {
      const texts = await events.allInnerTexts();
      return { isFilled: texts.length >= 2, others: texts.filter((text) => !/VideoSplit|VideoRejected/.test(text)) };
    };
    await expect.poll(shown, { timeout: TIMEOUT_MS }).toEqual({ isFilled: true, others: [] });
    await page.getByText("Make it a rule").click();
    await page.getByText("events put-rule --name my-rule --event-bus-name video-split").waitFor();
    await page.getByLabel("Event pattern").fill('{"source": "video-split"}');
    await page
      .getByText('AWS would refuse this pattern: Event pattern is not valid. Reason: "source" must be')
      .waitFor();
    await page.getByLabel("Event pattern").fill('{"detail-type": ["VideoRejected"]}');
    await expect.poll(() => events.count(), { timeout: TIMEOUT_MS }).toBe(1);
    await events.getByText("VideoRejected").click();
    await page.getByText('"reason": "NotMedia"').waitFor();
    expect(await seriousIssues(page)).toEqual([]);
  });

  it("redrives a dead letter, and shows the document that comes of it", { tags: "full" }, async () => {
    output.isBroken = true;
    await page.getByRole("tab", { name: "Videos" }).click();
    await upload({ name: "failing.mp4" });
    await page.getByRole("tab", { name: "Dead letters" }).click();
    await page.getByText("AccessDenied: ").waitFor();
    expect(await seriousIssues(page)).toEqual([]);
    output.isBroken = false;
    await page.getByRole("button", { name: "Redrive all" }).click();
    await page.getByText("1 dead letter redriven.").waitFor();
    await page.getByText("There are no dead letters.").waitFor();
    await page.getByRole("tab", { name: "Videos" }).click();
    await card(page, "failing").getByText("split", { exact: true }).waitFor();
    await card(page, "failing").getByRole("button", { name: "Document", exact: true }).click();
    await page.getByText('"status": "split"').waitFor();
  });

  it("is the same after a reload and a restart of the stack, in the dark and on a phone", {
    tags: "full",
  }, async () => {
    const shown = async () => (await page.locator("pre").innerText()).replace(/\s+/g, " ");
    const before = await shown();
    await page.reload();
    await page.getByText('"status": "split"').waitFor();
    expect(await shown()).toBe(before);

    await opened.stack.close();
    await page.getByText("Offline: local stack doesn't answer").waitFor();
    opened = await openConsoleStack(join(directory, "state"), output, portOfStack());
    await page.getByText("Connected: local stack").waitFor();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const tab of ["Events", "Documents", "Dead letters", "Faults", "Videos"]) {
      await page.getByRole("tab", { name: tab }).click();
      expect(await seriousIssues(page), tab).toEqual([]);
    }
    expect(await page.getByRole("article").count()).toBe(4);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  });

  it("lets the keyboard choose a tab", async () => {
    await page.getByRole("tab", { name: "Videos" }).click();
    await page.keyboard.press("ArrowLeft");
    expect(await page.getByRole("tab", { name: "Faults" }).getAttribute("aria-selected")).toBe("true");
    await page.getByRole("switch", { name: "duplicates" }).check();
    await expect
      .poll(async () => ((await get("faults")) as { switches: { on: boolean }[] }).switches[0]?.on)
      .toBe(true);
    await page.getByRole("switch", { name: "duplicates" }).uncheck();
  });

  it("is of no use to a page of another origin, or of a rebound name, that has the token", async () => {
    const port = await serveBlankPage();
    const other = await page.context().newPage();
    onTestFinished(() => other.close());
    for (const host of ["evil.example", "127.0.0.1"]) {
      await other.goto(`http://${host}:${port}/`);
      const read = await readByPage(other, opened.stack.endpoint, opened.token);
      expect(read).toBe("");
    }
    const rebound = await other.goto(opened.address.replace("127.0.0.1", "rebind.example"));
    expect(rebound?.status()).toBe(403);
    // What Chromium reports of the time without the stack.
    expect(problems.filter((problem) => !/Failed to load resource|ERR_CONNECTION/.test(problem))).toEqual([]);
  });
});
