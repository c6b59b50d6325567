import { describe, expect, it } from "vitest";
import { fixture, openTestLambda } from "./local-lambda.ts";

describe("given a function that succeeds", () => {
  it("when it is invoked, then the result is what its handler returned", async () => {
    const lambda = await openTestLambda([fixture("result.echo")]);
    expect(await lambda.invoke("tested", { key: "ä+b c" })).toEqual({ result: { event: { key: "ä+b c" } } });
  });

  it("when its handler returns nothing, then the result is null", async () => {
    const lambda = await openTestLambda([fixture("result.nothing")]);
    expect(await lambda.invoke("tested", {})).toEqual({ result: null });
  });

  it("when its handler isn't async, then the result is what it returned", async () => {
    const lambda = await openTestLambda([fixture("result.synchronous")]);
    expect(await lambda.invoke("tested", {})).toEqual({ result: "at once" });
  });

  it("when it is invoked without an event, then it gets an empty one", async () => {
    const lambda = await openTestLambda([fixture("result.echo")]);
    expect(await lambda.invoke("tested", undefined)).toEqual({ result: { event: {} } });
  });

  it("when its result can't be JSON, then the invocation fails", async () => {
    const lambda = await openTestLambda([fixture("result.cyclic")]);
    expect(await lambda.invoke("tested", {})).toMatchObject({
      error: { errorType: "Runtime.JSONStringifyError", errorMessage: "Unable to stringify response body" },
    });
  });

  it("when its result is larger than 6 MB, then the invocation fails", async () => {
    const lambda = await openTestLambda([fixture("result.sized")]);
    expect(await lambda.invoke("tested", { characters: 6_291_600 })).toMatchObject({
      error: { errorType: "Function.ResponseSizeTooLarge" },
    });
  });
});

describe("given an event", () => {
  it("when it is larger than 1 MB, then an asynchronous invocation is refused", async () => {
    const lambda = await openTestLambda([fixture("result.echo")]);
    const refused = lambda.invokeAsync("tested", "x".repeat(1_048_576), { requestId: "r" });
    await expect(refused).rejects.toMatchObject({
      name: "PayloadTooLargeError",
      message: "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    });
  });

  it("when it is larger than 1 MB, then a synchronous invocation takes it", async () => {
    const lambda = await openTestLambda([fixture("result.echo")]);
    const event = "x".repeat(1_048_576);
    expect(await lambda.invoke("tested", event)).toEqual({ result: { event } });
  });

  it("when its function doesn't exist, then the invocation is refused", async () => {
    const lambda = await openTestLambda([fixture("result.echo")]);
    await expect(lambda.invokeAsync("other", {}, { requestId: "r" })).rejects.toMatchObject({
      name: "FunctionNotFoundError",
      message: 'No function "other"; there are tested',
    });
  });
});
