import { execFile } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createEvent } from "#events-schema";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";
import { bundle } from "../../../infra/packaging/bundle.ts";
import { binaries, makeMedia } from "../../fixtures/media.ts";
import { openTestStack, type TestStack } from "../../fixtures/stack.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const run = promisify(execFile);

const RUNNER = join(PROJECT_ROOT, "test/fixtures/functions/lambda-layout.mjs");

/** A folder as SST zips it for Lambda: the bundle, and beside it the programs that infra/packaging adds. */
async function packageAsShipped(): Promise<string> {
  const directory = await temporaryFolder();
  const { file } = await bundle("services/split/handler.handler", { root: PROJECT_ROOT, directory });
  expect(dirname(file)).toBe(directory);
  // What bundle() links is for the local stack.
  await rm(join(directory, "node_modules"), { recursive: true, force: true });
  await mkdir(join(directory, "bin"));
  for (const [name, program] of Object.entries(await binaries))
    await cp(program, join(directory, "bin", name), { dereference: true });
  return directory;
}

/** One invocation in an environment as Lambda's: no PATH, no other ffmpeg, only what is shipped. */
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

  it.each(["ffmpeg", "ffprobe"])("without %s, then nothing else is taken in its place", async (name) => {
    const test = await openTestStack();
    const directory = await packageAsShipped();
    await rm(join(directory, "bin", name));
    const outcome = await invoke(directory, test, requestFor(test.stack, "a.mp4"));
    expect(outcome).toContain(`THROWN MissingBinaryError: No working ${name} was found`);
  });
});
