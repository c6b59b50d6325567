import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { fixture, openTestLambda } from "./local-lambda.ts";

const resultOf = async (
  answer: Promise<{ result: unknown } | { error: unknown }>,
): Promise<Record<string, unknown>> => {
  const given = await answer;
  if ("error" in given) throw new Error(JSON.stringify(given.error));
  return given.result as Record<string, unknown>;
};

describe("given a function's environment", () => {
  it("when the local stack has variables of its own, then the function gets only PATH and ffmpeg's", async () => {
    vi.stubEnv("AWS_PROFILE", "someone-elses");
    vi.stubEnv("NODE_OPTIONS", "--no-warnings");
    vi.stubEnv("FFMPEG_PATH", "/some/ffmpeg");
    const lambda = await openTestLambda([fixture("process-environment.environment")]);
    const variables = await resultOf(lambda.invoke("tested", {}));
    vi.unstubAllEnvs();
    const { PATH, FFMPEG_PATH, FFMPEG_BIN, FFPROBE_PATH, LANG, TZ, HOME, TMPDIR, LAMBDA_TASK_ROOT, _HANDLER, ...rest } =
      variables;
    expect({ PATH, FFMPEG_PATH, LANG, TZ, _HANDLER }).toEqual({
      PATH: process.env.PATH,
      FFMPEG_PATH: "/some/ffmpeg",
      LANG: "en_US.UTF-8",
      TZ: ":UTC",
      _HANDLER: "bundle.environment",
    });
    expect(TMPDIR).toMatch(lambda.directory);
    expect(HOME).toBe(TMPDIR);
    expect(LAMBDA_TASK_ROOT).toMatch(lambda.directory);
    expect(rest).toEqual({
      AWS_ACCESS_KEY_ID: "local",
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
      AWS_LAMBDA_FUNCTION_NAME: "tested",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/tested",
      AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(/^\d{4}\/\d{2}\/\d{2}\/\[\$LATEST\][0-9a-f]{32}$/),
      AWS_REGION: "eu-west-1",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_SESSION_TOKEN: "local",
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/),
    });
  });

  it("when the function has variables, then they are there, but none replaces Lambda's own", async () => {
    const environment = { TABLE: "videos", AWS_LAMBDA_FUNCTION_NAME: "another" };
    const lambda = await openTestLambda([fixture("process-environment.environment", { environment })]);
    expect(await resultOf(lambda.invoke("tested", {}))).toMatchObject({
      TABLE: "videos",
      AWS_LAMBDA_FUNCTION_NAME: "tested",
    });
  });

  it("when the function has little memory, then its heap is bounded by it", async () => {
    const lambda = await openTestLambda([
      fixture("process-environment.heap", { memoryMB: 256 }),
      fixture("process-environment.heap", { name: "large", memoryMB: 1_024 }),
    ]);
    const small = Number(await resultOf(lambda.invoke("tested", {})));
    const large = Number(await resultOf(lambda.invoke("large", {})));
    expect(large - small).toBeCloseTo(0.9 * (1_024 - 256), -1);
  });
});

describe("given a handler's context", () => {
  it("when it is invoked, then the context has the request id, the function's name and the deadline", async () => {
    const lambda = await openTestLambda([fixture("process-environment.context", { timeoutSeconds: 30 })]);
    const context = await resultOf(lambda.invoke("tested", {}, { requestId: "request-1" }));
    expect(context).toEqual({
      functionName: "tested",
      functionVersion: "$LATEST",
      invokedFunctionArn: "arn:aws:lambda:eu-west-1:000000000000:function:tested",
      memoryLimitInMB: "256",
      awsRequestId: "request-1",
      logGroupName: "/aws/lambda/tested",
      logStreamName: expect.stringContaining("[$LATEST]"),
      callbackWaitsForEmptyEventLoop: true,
      remaining: expect.any(Number),
    });
    expect(context.remaining).toBeGreaterThan(0);
    expect(context.remaining).toBeLessThanOrEqual(30_000);
  });
});

describe("given a function's temporary folder", () => {
  it("when an invocation leaves a file, then the next one in the same environment finds it", async () => {
    const lambda = await openTestLambda([fixture("process-environment.leaveFile")]);
    await lambda.invoke("tested", { name: "first" });
    const second = await resultOf(lambda.invoke("tested", { name: "second" }));
    expect(second.files).toEqual(["first", "second"]);
  });

  it("when the environment ends, then the folder is removed", async () => {
    const lambda = await openTestLambda([
      fixture("process-environment.leaveFile"),
      fixture("failure.exits", { name: "exiting" }),
    ]);
    const { folder } = await resultOf(lambda.invoke("tested", { name: "first" }));
    const work = dirname(dirname(String(folder)));
    await lambda.invoke("exiting", { code: 1 });
    expect(await readdir(join(work, "exiting"))).toEqual(["1"]);
    await lambda.close();
    expect(await readdir(lambda.directory)).toEqual([]);
  });
});
