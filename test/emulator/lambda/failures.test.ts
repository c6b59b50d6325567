import { describe, expect, it } from "vitest";
import { fixture, openTestLambda } from "./local-lambda.ts";

const invoke = async (handler: string, event: unknown = {}, options: Parameters<typeof fixture>[1] = {}) => {
  const lambda = await openTestLambda([fixture(handler, options)]);
  return { lambda, answer: await lambda.invoke("tested", event, { requestId: "request-1" }) };
};

describe("given a handler that throws", () => {
  it("when it throws an error, then its name, message and stack in the sources are the answer", async () => {
    const { answer } = await invoke("failure.throws");
    expect(answer).toMatchObject({ error: { errorType: "UnlikelyError", errorMessage: "it happened" } });
    expect(answer).toMatchObject({
      error: { trace: expect.arrayContaining([expect.stringContaining("failure.ts:")]) },
    });
  });

  it("when it throws something else, then that is returned", async () => {
    const { answer } = await invoke("failure.throwsText");
    expect(answer).toEqual({ error: { errorType: "string", errorMessage: "only a text", trace: [] } });
  });

  it("when it failed, then the environment continues and the log says why", async () => {
    const { lambda } = await invoke("failure.throws");
    expect(lambda.logs).toContainEqual({
      functionName: "tested",
      requestId: "request-1",
      text: expect.stringContaining("ERROR\tInvoke Error\t"),
    });
  });
});

describe("given a handler whose process ends", () => {
  it.each([
    ["exits with a code", "failure.exits", { code: 3 }, "with error: exit status 3"],
    ["exits with 0", "failure.exits", { code: 0 }, "without providing a reason"],
    ["is killed", "failure.isKilled", {}, "with error: signal: killed"],
  ])("when it %s, then Lambda's error says so", async (_how, handler, event, reason) => {
    const { answer } = await invoke(handler, event);
    expect(answer).toEqual({
      error: {
        errorType: "Runtime.ExitError",
        errorMessage: `RequestId: request-1 Error: Runtime exited ${reason}`,
      },
    });
  });

  it("when it needs more memory than the function has, then the process is aborted", async () => {
    const { answer } = await invoke("failure.runsOutOfMemory", {}, { memoryMB: 128 });
    expect(answer).toMatchObject({
      error: { errorMessage: "RequestId: request-1 Error: Runtime exited with error: signal: aborted" },
    });
  });

  it("when it was lost, then the next invocation has a new one", async () => {
    const { lambda } = await invoke("failure.exits", { code: 3 });
    const second = await lambda.invoke("tested", { code: 4 });
    expect(second).toMatchObject({ error: { errorMessage: expect.stringContaining("exit status 4") } });
  });
});

describe("given a handler that fails in the background", () => {
  it("when an exception is uncaught, then the invocation fails with it", async () => {
    const { answer } = await invoke("failure.throwsElsewhere");
    expect(answer).toMatchObject({ error: { errorType: "UnlikelyError", errorMessage: "nobody catches this" } });
  });

  it("when a rejection is unhandled, then the invocation fails with it", async () => {
    const { answer } = await invoke("failure.rejectsElsewhere");
    expect(answer).toMatchObject({
      error: {
        errorType: "Runtime.UnhandledPromiseRejection",
        errorMessage: "UnlikelyError: nobody awaits this",
      },
    });
  });

  it("when its promise is never settled, then the invocation fails without waiting for the timeout", async () => {
    const { answer } = await invoke("failure.neverSettles");
    expect(answer).toMatchObject({ error: { errorType: "Runtime.NodeJsExit" } });
  });
});

describe("given a handler that can't be loaded", () => {
  it.each([
    ["has no such export", "failure.absent", "Runtime.HandlerNotFound", "bundle.absent is undefined or not exported"],
    ["exports no function", "failure.notAFunction", "Runtime.HandlerNotFound", "bundle.notAFunction is not a function"],
    ["takes a callback", "failure.withCallback", "Runtime.CallbackHandlerDeprecated", "removed callback-based"],
    ["throws at import", "throws-at-import.handler", "RangeError", "no use"],
    ["misses a module", "missing-module.handler", "Runtime.ImportModuleError", "Cannot find package 'no-such-package'"],
  ])("when its module %s, then each invocation says so", async (_why, handler, errorType, message) => {
    const { lambda, answer } = await invoke(handler);
    const error = { errorType, errorMessage: expect.stringContaining(message) };
    expect(answer).toMatchObject({ error });
    expect(await lambda.invoke("tested", {})).toMatchObject({ error });
  });

  it("when its file doesn't exist, then nothing is opened", async () => {
    await expect(openTestLambda([fixture("absent.handler")])).rejects.toMatchObject({
      name: "BundleError",
      message: expect.stringContaining('No handler "test/fixtures/functions/absent.handler"'),
    });
  });
});
