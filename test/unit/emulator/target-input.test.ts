import { describe, expect, it } from "vitest";
import type { BusEvent, InputTransformer, TargetSpec } from "../../../infra/emulator/events/index.ts";
import { targetInput, unknownPlaceholders } from "../../../infra/emulator/events/target-input.ts";

const event: BusEvent = {
  version: "0",
  id: "e",
  "detail-type": "T",
  source: "s",
  account: "1",
  time: "2026-01-02T03:04:05Z",
  region: "r",
  resources: ["one", "two"],
  detail: { text: 'say "hi"\\', number: 5, object: { a: [true] }, nothing: null },
};
const context = { ruleArn: "arn:rule", ruleName: "rule", ingestedAt: Date.UTC(2026, 0, 2, 3, 4, 6) };

const spec: TargetSpec = { id: "t", arn: "arn:x", retry: { attempts: 0, maxAgeSeconds: 60 } };

const filled = (inputTemplate: string, inputPathsMap: Record<string, string> = {}): unknown =>
  targetInput({ ...spec, inputTransformer: { inputPathsMap, inputTemplate } }, event, context);

const paths = {
  text: "$.detail.text",
  number: "$.detail.number",
  object: "$.detail.object",
  nothing: "$.detail.nothing",
  missing: "$.detail.missing",
};

describe("a target's input", () => {
  it("given no settings, then it is the event", () => {
    expect(targetInput(spec, event, context)).toBe(event);
  });

  it("given a path that leads nowhere, then it is null", () => {
    expect(targetInput({ ...spec, inputPath: "$.detail.missing" }, event, context)).toBeNull();
  });

  it("given a variable that is named as a member of each object, then it is a variable as any other", () => {
    const named = filled("[<__proto__>, <constructor>]", { ["__proto__"]: "$.detail.number", constructor: "$.source" });
    expect(named).toEqual([5, "s"]);
  });

  it("given values outside quotes, then they are JSON", () => {
    const template = '{"t": <text>, "n": <number>, "o": <object>, "0": <nothing>, "m": <missing>}';
    expect(filled(template, paths)).toEqual({ t: 'say "hi"\\', n: 5, o: { a: [true] }, 0: null, m: null });
  });

  it("given values inside quotes, then they are part of the string", () => {
    expect(filled('"[<text>] [<number>] [<object>] [<nothing>] [<missing>]"', paths)).toBe(
      '[say "hi"\\] [5] [{"a":[true]}] [null] []',
    );
  });

  it("given an escaped quote in the template, then the string continues after it", () => {
    expect(filled('{"a": "\\"<text>\\""}', paths)).toEqual({ a: '"say "hi"\\"' });
  });

  it("given the predefined variables, then they describe the rule and the event", () => {
    const { detail: _, ...withoutDetail } = event;
    expect(
      filled(
        '[<aws.events.rule-arn>, <aws.events.rule-name>, <aws.events.event.ingestion-time>, <aws.events.event>, <aws.events.event.json>, "<aws.events.event.json>"]',
      ),
    ).toEqual(["arn:rule", "rule", "2026-01-02T03:04:06.000Z", withoutDetail, event, JSON.stringify(event)]);
  });

  it("given a template that makes no JSON, then its text is delivered", () => {
    expect(filled('"<number> is the number"\n"of <number>"', paths)).toBe('"5 is the number"\n"of 5"');
  });

  it("given signs that are no placeholders, then they stay", () => {
    expect(filled('"1 < 2 > 0 <>"')).toBe("1 < 2 > 0 <>");
  });
});

describe("unknownPlaceholders", () => {
  it.each<[InputTransformer, string[]]>([
    [{ inputTemplate: "<a> <b>", inputPathsMap: { a: "$" } }, ["b"]],
    [{ inputTemplate: '"<aws.events.rule-name>"' }, []],
    [{ inputTemplate: "<aws.events.other>" }, ["aws.events.other"]],
  ])("given %j, then they are %j", (transformer, expected) => {
    expect(unknownPlaceholders(transformer)).toEqual(expected);
  });
});
