import { describe, expect, it, vi } from "vitest";
import { openGate } from "./gate.ts";
import { fixture, openTestLambda } from "./local-lambda.ts";
import { isRunning } from "./processes.ts";

describe("given several invocations of a function", () => {
  it("when they follow each other, then they share a warm environment", async () => {
    const lambda = await openTestLambda([fixture("result.count")]);
    const first = await lambda.invoke("tested", {});
    const second = await lambda.invoke("tested", {});
    const { pid } = (first as { result: { pid: number } }).result;
    expect([first, second]).toEqual([{ result: { runs: 1, pid } }, { result: { runs: 2, pid } }]);
  });

  it("when they overlap, then each has an environment of its own", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([fixture("gate.waits")]);
    const both = Promise.all(["a", "b"].map((name) => lambda.invoke("tested", { url: gate.url, name })));
    const arrived = [await gate.next(), await gate.next()];
    expect(arrived[0]?.report.pid).not.toBe(arrived[1]?.report.pid);
    for (const { letGo } of arrived) letGo();
    expect(await both).toEqual([{ result: "a" }, { result: "b" }]);
  });

  it("when there are more than its concurrency, then the others wait for their turn", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([
      fixture("gate.waits", { concurrency: 2 }),
      fixture("result.echo", { name: "other" }),
    ]);
    const names = ["a", "b", "c", "d", "e"];
    const all = names.map((name) => lambda.invokeAsync("tested", { url: gate.url, name }, { requestId: name }));
    const atGate = [await gate.next(), await gate.next()];
    // A third one that was let in would be at the gate before an environment that starts now is ready.
    await lambda.invoke("other", {});
    const order = atGate.map(({ report }) => report.name);
    while (order.length < names.length) {
      atGate.shift()?.letGo();
      const arrived = await gate.next();
      atGate.push(arrived);
      order.push(arrived.report.name);
    }
    for (const { letGo } of atGate) letGo();
    await Promise.all(all);
    expect(order.toSorted()).toEqual(names);
    expect(gate.most).toBe(2);
    expect(lambda.failed).toEqual([]);
  });

  it("when one function is busy, then another isn't held up", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([
      fixture("gate.waits", { concurrency: 1 }),
      fixture("result.echo", { name: "other" }),
    ]);
    const busy = lambda.invoke("tested", { url: gate.url, name: "a" });
    const { letGo } = await gate.next();
    expect(await lambda.invoke("other", 1)).toEqual({ result: { event: 1 } });
    letGo();
    await busy;
  });
});

describe("given a handler that starts a process", () => {
  it("when its time is over, then both have ended and the error says so", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([fixture("gate.startsProcess", { timeoutSeconds: 3 })]);
    const invocation = lambda.invoke("tested", { url: gate.url }, { requestId: "request-1" });
    const { report } = await gate.next();
    expect(await isRunning(report.grandchild)).toBe(true);
    expect(await invocation).toEqual({
      error: {
        errorType: "Sandbox.Timedout",
        errorMessage: "RequestId: request-1 Error: Task timed out after 3.00 seconds",
      },
    });
    expect(await isRunning(report.pid)).toBe(false);
    expect(await isRunning(report.grandchild)).toBe(false);
  });

  it("when the handler spins and can't receive anything, then the time is up for it too", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([fixture("gate.startsProcessAndSpins", { timeoutSeconds: 3 })]);
    const invocation = lambda.invoke("tested", { url: gate.url });
    const { report, letGo } = await gate.next();
    letGo();
    expect(await invocation).toMatchObject({ error: { errorType: "Sandbox.Timedout" } });
    expect(await isRunning(report.pid)).toBe(false);
  });

  it("when the handler's process ends, then the other has ended before the next attempt begins", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda([fixture("gate.startsProcessAndExits")]);
    const invocation = lambda.invoke("tested", { url: gate.url });
    const { report, letGo } = await gate.next();
    expect(await isRunning(report.grandchild)).toBe(true);
    letGo();
    expect(await invocation).toMatchObject({ error: { errorType: "Runtime.ExitError" } });
    expect(await isRunning(report.grandchild)).toBe(false);
  });

  it("when the handler has returned, then the process continues until the environment ends", async () => {
    const lambda = await openTestLambda([fixture("gate.startsProcessAndReturns")]);
    const answer = await lambda.invoke("tested", {});
    const { result: pid } = answer as { result: number };
    expect(await isRunning(pid)).toBe(true);
    await lambda.close();
    expect(await isRunning(pid)).toBe(false);
  });
});

describe("given a local Lambda that is closed", () => {
  it("when invocations run, wait and are retried, then all are rejected and nothing is left", async () => {
    const gate = await openGate();
    const lambda = await openTestLambda(
      [fixture("gate.startsProcess", { concurrency: 1 }), fixture("failure.throws", { name: "failing" })],
      { retryDelayMs: () => 600_000 },
    );
    const running = lambda.invokeAsync("tested", { url: gate.url }, { requestId: "a" });
    const queued = lambda.invokeAsync("tested", { url: gate.url }, { requestId: "b" });
    const retried = lambda.invokeAsync("failing", {}, { requestId: "c" });
    const settled = Promise.allSettled([running, queued, retried]);
    const { report } = await gate.next();
    await vi.waitFor(() => expect(lambda.logs.filter(({ requestId }) => requestId === "c")).toHaveLength(1), 30_000);

    await lambda.close();
    const rejected = { status: "rejected", reason: expect.objectContaining({ name: "LambdaClosedError" }) };
    expect(await settled).toEqual([rejected, rejected, rejected]);
    expect(lambda.failed).toEqual([]);
    expect(await isRunning(report.pid)).toBe(false);
    expect(await isRunning(report.grandchild)).toBe(false);
  });

  it("when it is closed already, then an invocation is rejected", async () => {
    const lambda = await openTestLambda([fixture("result.echo")]);
    await lambda.close();
    await expect(lambda.invoke("tested", {})).rejects.toMatchObject({ name: "LambdaClosedError" });
  });
});
