import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { describe, expect, it, onTestFinished } from "vitest";
import { lambdaApi } from "../../../infra/emulator/lambda-api.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";
import { fixture, openTestLambda } from "./local-lambda.ts";

async function open(name: string, environment: Record<string, string> = {}) {
  const lambda = await openTestLambda([fixture(name, { environment })]);
  const endpoint = await serve(lambdaApi(lambda, REGION).handle);
  const client = new LambdaClient({ endpoint, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

async function openInvoke(name: string) {
  const client = await open(name);
  return (FunctionName: string, more: object = {}) => client.send(new InvokeCommand({ FunctionName, ...more }));
}

const jsonOf = ({ Payload }: { Payload?: { transformToString(): string } }) =>
  JSON.parse(Payload?.transformToString() ?? "");

describe("Lambda's Invoke, given AWS's own client", () => {
  it.each(["tested", "arn:aws:lambda:us-east-1:000000000000:function:tested:$LATEST"])(
    "runs %s and answers with its result",
    async (name) => {
      const invoke = await openInvoke("result.echo");
      const answer = await invoke(name, { Payload: JSON.stringify({ greeting: "grüße" }) });
      expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: "$LATEST" });
      expect(answer.FunctionError).toBeUndefined();
      expect(jsonOf(answer)).toEqual({ event: { greeting: "grüße" } });
    },
  );

  it("answers with the error of a function that failed", async () => {
    const invoke = await openInvoke("failure.throws");
    const answer = await invoke("tested", { Payload: "{}" });
    expect(answer.FunctionError).toBe("Unhandled");
    expect(jsonOf(answer)).toMatchObject({ errorType: "UnlikelyError", errorMessage: "it happened" });
  });

  it("reports errors as Lambda does", async () => {
    const invoke = await openInvoke("result.echo");
    await expect(invoke("nobody")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(invoke("tested", { Payload: "{" })).rejects.toMatchObject({ name: "InvalidRequestContentException" });
    await expect(invoke("tested", { InvocationType: "Event" })).rejects.toThrow("Put an event on the bus instead");
  });
});

describe("Lambda's GetFunctionConfiguration, given AWS's own client", () => {
  it("returns a function's configuration", async () => {
    const client = await open("result.echo", { TABLE: "films" });
    const FunctionName = "arn:aws:lambda:us-east-1:000000000000:function:tested";
    const found = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    expect(found).toMatchObject({ FunctionName: "tested", Environment: { Variables: { TABLE: "films" } } });
    const unknown = client.send(new GetFunctionConfigurationCommand({ FunctionName: "nobody" }));
    await expect(unknown).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});
