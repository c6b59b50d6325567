import { execFile } from "node:child_process";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createEvent } from "#events-schema";
import { bundle } from "../../../infra/local/lambda/index.ts";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { binaries, makeMedia } from "../../fixtures/media.ts";
import { openTestStack, type TestStack } from "../../fixtures/stack.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const run = promisify(execFile);

const RUNNER = join(PROJECT_ROOT, "test/fixtures/functions/lambda-layout.mjs");

/**
 * What ffmpeg-static 5.3.0's index.js comes to in Lambda. The package itself can't be relied on here: its install script downloads, and
 * npm leaves it out where that fails.
 */
const FFMPEG_STATIC = 'module.exports = process.env.FFMPEG_BIN || require("path").join(__dirname, "ffmpeg");\n';

/** A folder as SST zips it for Lambda: the bundle, and beside it the packages that have a program inside. */
async function packageAsShipped(): Promise<string> {
  const directory = await temporaryFolder();
  const { file } = await bundle("services/split/handler.handler", { root: PROJECT_ROOT, directory });
  // What bundle() links is for the local stack; SST installs copies.
  await rm(join(directory, "node_modules"), { recursive: true, force: true });
  const modules = join(directory, "node_modules");
  const ffmpeg = join(modules, "ffmpeg-static");
  await mkdir(ffmpeg, { recursive: true });
  await writeFile(join(ffmpeg, "package.json"), JSON.stringify({ name: "ffmpeg-static", version: "5.3.0" }));
  await writeFile(join(ffmpeg, "index.js"), FFMPEG_STATIC);
  await cp((await binaries).ffmpeg, join(ffmpeg, "ffmpeg"), { dereference: true });
  const installers = join(PROJECT_ROOT, "node_modules", "@ffprobe-installer");
  await cp(installers, join(modules, "@ffprobe-installer"), { recursive: true, dereference: true });
  expect(dirname(file)).toBe(directory);
  return directory;
}

/** One invocation in an environment as Lambda's: no PATH, nobody's ffmpeg, only what is shipped. */
async function invoke(directory: string, { stack }: TestStack, event: object): Promise<string> {
  const { environment } = stack.topology.functions.split;
  const { stdout } = await run(process.execPath, [RUNNER, join(directory, "bundle.mjs"), JSON.stringify(event)], {
    cwd: directory,
    env: {
      ...environment,
      LAMBDA_TASK_ROOT: directory,
      TMPDIR: await temporaryFolder(),
      AWS_ENDPOINT_URL: stack.endpoint,
      AWS_REGION: stack.region,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    },
  });
  return stdout.split("\n").find((line) => /^(RESULT|THROWN) /.test(line)) ?? stdout;
}

const requestFor = (stack: TestStack["stack"], key: string) => {
  const data = { bucket: stack.names.uploads, key, segment_seconds: 2, reason: "manual" as const };
  const occurredAt = "2026-11-24T00:00:00.000Z";
  const metadata = { eventId: "r-1", version: 1, correlationId: "c-1", causationId: "me", occurredAt };
  const { source, detailType, detail } = createEvent("SplitRequested", data, metadata);
  const envelope = { version: "0", id: "r-1", account: "0", time: occurredAt, region: stack.region, resources: [] };
  return { ...envelope, source, "detail-type": detailType, detail };
};

describe("given the split handler in the layout that Lambda gets", () => {
  it("then it finds the programs that are shipped beside it, and splits a video", async () => {
    const test = await openTestStack();
    const directory = await packageAsShipped();
    const key = await test.upload(await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4"), {
      key: "a.mp4",
    });
    const outcome = await invoke(directory, test, requestFor(test.stack, key));
    expect(outcome).toMatch(/^RESULT \{"outcome":"split","VideoId":\d+,"segments":3\}$/);
    await test.stack.idle();
    expect(await test.allDocuments()).toHaveLength(4);
  });

  it.each([
    ["ffmpeg", "ffmpeg-static/ffmpeg"],
    ["ffprobe", "@ffprobe-installer"],
  ])("without %s, then nothing else is taken in its place", async (name, path) => {
    const test = await openTestStack();
    const directory = await packageAsShipped();
    await rm(join(directory, "node_modules", path), { recursive: true });
    const outcome = await invoke(directory, test, requestFor(test.stack, "a.mp4"));
    expect(outcome).toContain(`THROWN MissingBinaryError: No ${name} that runs was found`);
  });
});
