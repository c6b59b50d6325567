import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { openGate } from "./gate.ts";
import { fixture, openTestLambda } from "./local-lambda.ts";

const attemptsIn = async (log: string): Promise<string[]> => (await readFile(log, "utf8")).trim().split("\n");

const newLog = async (): Promise<string> => join(await temporaryFolder(), "attempts");

describe("given an asynchronous invocation that fails", () => {
  it("when a retry succeeds, then it has ended well, under one request id", async () => {
    const log = await newLog();
    const lambda = await openTestLambda([fixture("failure.failsAtFirst")]);
    await lambda.invokeAsync("tested", { log, failures: 2 }, { requestId: "request-1" });
    expect(await attemptsIn(log)).toEqual(["request-1", "request-1", "request-1"]);
    expect(lambda.failed).toEqual([]);
  });

  it("when the last retry fails, then its event goes to the destination with the error", async () => {
    const event = { log: await newLog(), failures: 9 };
    const lambda = await openTestLambda([fixture("failure.failsAtFirst")]);
    await lambda.invokeAsync("tested", event, { requestId: "request-1" });
    expect(lambda.failed).toEqual([
      {
        functionName: "tested",
        requestId: "request-1",
        event,
        attempts: 3,
        condition: "RetriesExhausted",
        error: {
          errorType: "Error",
          errorMessage: "attempt 3 fails",
          stackTrace: expect.arrayContaining(["Error: attempt 3 fails"]),
        },
      },
    ]);
  });

  it("when it fails by the timeout, then that is retried too", async () => {
    const gate = await openGate();
    const retry = { attempts: 1, maxAgeSeconds: 3_600 };
    const lambda = await openTestLambda([fixture("gate.waits", { timeoutSeconds: 1, retry })]);
    await lambda.invokeAsync("tested", { url: gate.url, name: "a" }, { requestId: "request-1" });
    expect(lambda.failed).toMatchObject([{ attempts: 2, error: { errorType: "Sandbox.Timedout" } }]);
  });

  it("when it waits for its retry, then the delay is the one of that attempt", async () => {
    const asked: number[] = [];
    const retryDelayMs = (attempt: number) => {
      asked.push(attempt);
      return 10 * attempt;
    };
    const lambda = await openTestLambda([fixture("failure.throws", { concurrency: 1 })], { retryDelayMs });
    await lambda.invokeAsync("tested", {}, { requestId: "request-1" });
    expect(asked).toEqual([1, 2]);
  });

  it("when its event would be too old for the retry, then it goes to the destination", async () => {
    const lambda = await openTestLambda([fixture("failure.throws", { retry: { attempts: 2, maxAgeSeconds: 60 } })], {
      retryDelayMs: () => 61_000,
    });
    await lambda.invokeAsync("tested", {}, { requestId: "request-1" });
    expect(lambda.failed).toMatchObject([
      { attempts: 1, condition: "EventAgeExceeded", error: { errorType: "UnlikelyError" } },
    ]);
  });

  it("when its event grew too old in the queue, then it never reaches the function", async () => {
    const gate = await openGate();
    const retry = { attempts: 2, maxAgeSeconds: 0.001 };
    const lambda = await openTestLambda([
      fixture("gate.waits", { concurrency: 1, retry }),
      fixture("result.echo", { name: "other" }),
    ]);
    const blocking = lambda.invoke("tested", { url: gate.url, name: "blocking" });
    const { letGo } = await gate.next();
    const queued = lambda.invokeAsync("tested", { url: gate.url, name: "queued" }, { requestId: "request-1" });
    // Starting a process takes longer than the millisecond that the event may wait.
    await lambda.invoke("other", {});
    letGo();
    await Promise.all([blocking, queued]);
    expect(lambda.failed).toMatchObject([
      { attempts: 0, condition: "EventAgeExceeded", error: { errorType: "EventAgeExceeded" } },
    ]);
  });
});

describe("given an on-failure destination that fails", () => {
  it("when it takes the event at the second try, then the invocation has ended", async () => {
    let calls = 0;
    const lambda = await openTestLambda([fixture("failure.throws")], {
      onFailure: async () => {
        calls += 1;
        if (calls === 1) throw new Error("the queue is away");
      },
    });
    await lambda.invokeAsync("tested", {}, { requestId: "request-1" });
    expect(calls).toBe(2);
    expect(lambda.logs.map(({ text }) => text)).toContainEqual(expect.stringContaining("the queue is away"));
  });

  it("when it never takes the event, then the invocation is rejected", async () => {
    const lambda = await openTestLambda([fixture("failure.throws")], {
      onFailure: async () => {
        throw new Error("the queue is away");
      },
    });
    await expect(lambda.invokeAsync("tested", {}, { requestId: "request-1" })).rejects.toMatchObject({
      name: "FailureDestinationError",
      cause: new Error("the queue is away"),
    });
  });
});

describe("given asynchronous invocations under way", () => {
  it("when one waits to be idle, then that is after the last of them has ended", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([fixture("gate.waits")]);
    const ended: string[] = [];
    const invocation = lambda
      .invokeAsync("tested", { url: gate.url, name: "a" }, { requestId: "a" })
      .then(() => ended.push("invocation"));
    const idle = lambda.idle().then(() => ended.push("idle"));
    (await gate.next()).letGo();
    await Promise.all([invocation, idle]);
    expect(ended).toEqual(["invocation", "idle"]);
  });
});
