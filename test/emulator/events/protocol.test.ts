import { TestEventPatternCommand } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { busEvent, openBridge } from "./bridge.ts";

/** One request as a client without an SDK sends it. */
async function call(endpoint: string, operation: string, body: string) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": operation },
    body,
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe("the protocol", () => {
  it("given an operation, then the answer is AWS JSON 1.1 with a request id", async () => {
    const { endpoint } = await openBridge();
    const { status, headers, body } = await call(endpoint, "AWSEvents.ListRules", "{}");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/x-amz-json-1.1");
    expect(headers.get("x-amzn-requestid")).toMatch(/^[0-9a-f-]{36}$/);
    expect(body).toEqual({ Rules: [] });
  });

  it.each([
    ["an unknown operation", "AWSEvents.PutEvent", "{}", "UnknownOperationException"],
    ["a name of Object's prototype", "AWSEvents.constructor", "{}", "UnknownOperationException"],
    ["no operation", "", "{}", "UnknownOperationException"],
    ["a body that isn't JSON", "AWSEvents.ListRules", "{", "SerializationException"],
    ["a text for a number", "AWSEvents.ListRules", '{"Limit":"5"}', "SerializationException"],
    ["a body that is no object", "AWSEvents.ListRules", "[]", "SerializationException"],
    ["a number out of range", "AWSEvents.ListRules", '{"Limit":101}', "ValidationException"],
  ])("given %s, then it is refused with that error", async (_, operation, body, type) => {
    const { endpoint } = await openBridge();
    const answer = await call(endpoint, operation, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ __type: type, message: expect.any(String) });
  });

  it("given several faults, then each is named", async () => {
    const { endpoint } = await openBridge();
    const { body } = await call(endpoint, "AWSEvents.ListRules", '{"Limit":0,"NamePrefix":""}');
    expect(body.message).toMatch(/^3 validation errors detected: .*'namePrefix'.*; .*'namePrefix'.*; .*'limit'/);
  });

  it("given members that are null, then they count as left out", async () => {
    const { endpoint } = await openBridge();
    expect(await call(endpoint, "AWSEvents.ListRules", '{"Limit":null}')).toMatchObject({ status: 200 });
  });

  it("given a body beyond all limits, then it is refused", async () => {
    const { endpoint } = await openBridge();
    const answer = await call(endpoint, "AWSEvents.PutEvents", " ".repeat(9 * 1_048_576));
    expect(answer).toMatchObject({ status: 413, body: { __type: "RequestEntityTooLargeException" } });
  });
});

describe("TestEventPattern", () => {
  const test = async (pattern: unknown, event: unknown) => {
    const { client } = await openBridge();
    const EventPattern = typeof pattern === "string" ? pattern : JSON.stringify(pattern);
    const Event = typeof event === "string" ? event : JSON.stringify(event);
    return (await client.send(new TestEventPatternCommand({ EventPattern, Event }))).Result;
  };

  it("given an event, then it says whether the pattern matches", async () => {
    expect(await test({ detail: { n: [1] } }, busEvent({ n: 1 }))).toBe(true);
    expect(await test({ detail: { n: [1] } }, busEvent({ n: 2 }))).toBe(false);
  });

  it.each([
    ["a bad pattern", { a: [] }, busEvent(), "InvalidEventPatternException"],
    ["an event without an id", { a: [1] }, { ...busEvent(), id: undefined }, "ValidationException"],
    ["an event that isn't JSON", { a: [1] }, "{", "ValidationException"],
    ["an event that is no object", { a: [1] }, "5", "ValidationException"],
  ])("given %s, then it is refused", async (_, pattern, event, name) => {
    await expect(test(pattern, event)).rejects.toMatchObject({ name });
  });
});
