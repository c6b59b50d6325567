import { access } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { eventTypes } from "#events-schema";
import { fixture, openTestLambda } from "../../emulator/lambda/local-lambda.ts";

describe("given a handler's imports", () => {
  it("when it imports the contract by its short name, then that is found", async () => {
    const lambda = await openTestLambda([fixture("imports-contract.handler")]);
    expect(await lambda.invoke("tested", {})).toEqual({ result: eventTypes });
  });

  it("when it imports a package with a binary, then the package is the installed one, in any folder", async () => {
    const lambda = await openTestLambda([fixture("imports-optional.handler")]);
    const answer = await lambda.invoke("tested", {});
    await access((answer as { result: { path: string } }).result.path);
  });

  it("when it imports a package in CommonJS, then its calls of require work", async () => {
    const lambda = await openTestLambda([fixture("imports-commonjs.handler")]);
    expect(await lambda.invoke("tested", {})).toEqual({ result: "function" });
  });
});

describe("given the service's own handlers", () => {
  it.each(["split", "projector", "reconciler", "poster"])(
    "when %s is loaded, then it gets as far as its settings or its event",
    async (name) => {
      const lambda = await openTestLambda([fixture("result.echo", { handler: `services/${name}/handler.handler` })]);
      const answer = await lambda.invoke("tested", { source: "nobody" });
      expect(answer).not.toMatchObject({ error: { errorType: expect.stringMatching(/^Runtime\./) } });
      expect(answer).toMatchObject({
        error: { trace: expect.arrayContaining([expect.stringMatching(/\/(?:services|events-schema)\//)]) },
      });
    },
  );
});
