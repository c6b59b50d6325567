import { describe, expect, it } from "vitest";
import { fixture, openTestLambda } from "./local-lambda.ts";

describe("given a handler that writes", () => {
  it("when it has returned, then every line was passed on, with its request id", async () => {
    const lambda = await openTestLambda([fixture("logs.handler")]);
    await lambda.invoke("tested", { name: "one" }, { requestId: "request-1" });
    expect(lambda.logs.map(({ text }) => text).toSorted()).toEqual([
      "one by a process",
      "one in two parts",
      "one to stderr",
      "one to stdout",
      "one without an end",
    ]);
    expect(new Set(lambda.logs.map(({ requestId }) => requestId))).toEqual(new Set(["request-1"]));
  });

  it("when the environment is used again, then each line has the id of the invocation that wrote it", async () => {
    const lambda = await openTestLambda([fixture("logs.handler")]);
    for (const name of ["one", "two", "three"]) await lambda.invoke("tested", { name }, { requestId: name });
    expect(lambda.logs).toHaveLength(15);
    expect(lambda.logs.filter(({ requestId, text }) => !text.startsWith(`${requestId} `))).toEqual([]);
  });

  it.each([
    ["has returned", "logs.manyLines"],
    ["has ended its process", "logs.manyLinesThenExit"],
  ])("when it wrote much and %s, then all of that was read", async (_how, handler) => {
    const lambda = await openTestLambda([fixture(handler)]);
    await lambda.invoke("tested", { lines: 20_000 }, { requestId: "request-1" });
    const written = lambda.logs.filter(({ text }) => text.startsWith("line "));
    expect(written).toHaveLength(20_000);
    expect(written.at(-1)).toEqual({ functionName: "tested", requestId: "request-1", text: "line 20000" });
  });
});
