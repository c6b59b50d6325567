import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../infra/emulator/events/pattern/index.ts";

/** The event and the patterns of https://github.com/aws/event-ruler#ruler-by-example, all of which match it. */
const event = {
  version: "0",
  id: "ddddd4-aaaa-7777-4444-345dd43cc333",
  "detail-type": "EC2 Instance State-change Notification",
  source: "aws.ec2",
  account: "012345679012",
  time: "2017-10-02T16:24:49Z",
  region: "us-east-1",
  resources: ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
  detail: {
    "c-count": 5,
    "d-count": 3,
    "x-limit": 301.8,
    "source-ip": "10.0.0.33",
    "instance-id": "i-000000aaaaaa00000",
    state: "running",
  },
};

const matching: unknown[] = [
  {
    "detail-type": ["EC2 Instance State-change Notification"],
    resources: ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    detail: { state: ["initializing", "running"] },
  },
  { time: [{ prefix: "2017-10-02" }] },
  { source: [{ prefix: { "equals-ignore-case": "AWS" } }] },
  { source: [{ suffix: "ec2" }] },
  { source: [{ suffix: { "equals-ignore-case": "EC2" } }] },
  { source: [{ "equals-ignore-case": "AWS.EC2" }] },
  { resources: [{ wildcard: "arn:aws:ec2:*:instance/*" }] },
  { detail: { state: [{ "anything-but": "initializing" }] } },
  { detail: { "x-limit": [{ "anything-but": 123 }] } },
  { detail: { state: [{ "anything-but": ["stopped", "overloaded"] }] } },
  { detail: { "x-limit": [{ "anything-but": [100, 200, 300] }] } },
  { detail: { state: [{ "anything-but": { prefix: "init" } }] } },
  { detail: { state: [{ "anything-but": { prefix: ["init", "error"] } }] } },
  { detail: { "instance-id": [{ "anything-but": { suffix: "1234" } }] } },
  { detail: { "instance-id": [{ "anything-but": { suffix: ["1234", "6789"] } }] } },
  { detail: { state: [{ "anything-but": { "equals-ignore-case": "Stopped" } }] } },
  { detail: { state: [{ "anything-but": { "equals-ignore-case": ["Stopped", "OverLoaded"] } }] } },
  { detail: { state: [{ "anything-but": { wildcard: "*/bin/*.jar" } }] } },
  { detail: { state: [{ "anything-but": { wildcard: ["*/bin/*.jar", "*/bin/*.class"] } }] } },
  {
    detail: {
      "c-count": [{ numeric: [">", 0, "<=", 5] }],
      "d-count": [{ numeric: ["<", 10] }],
      "x-limit": [{ numeric: ["=", 3.018e2] }],
    },
  },
  { detail: { "source-ip": [{ cidr: "10.0.0.0/24" }] } },
  { detail: { "c-count": [{ exists: true }] } },
  { detail: { "no-count": [{ exists: false }] } },
  {
    time: [{ prefix: "2017-10-02" }],
    detail: {
      state: [{ "anything-but": "initializing" }],
      "c-count": [{ numeric: [">", 0, "<=", 5] }],
      "d-count": [{ numeric: ["<", 10] }],
      "x-limit": [{ "anything-but": [100, 200, 300] }],
      "source-ip": [{ cidr: "10.0.0.0/8" }],
    },
  },
  {
    detail: {
      $or: [
        { "c-count": [{ numeric: [">", 10] }] },
        { "d-count": [{ numeric: ["<", 10] }] },
        { "x-limit": [{ numeric: ["=", 3.018e2] }] },
      ],
    },
  },
];

describe("the examples of event-ruler's README", () => {
  it.each(matching)("%j matches the sample event", (pattern) => {
    expect(compilePattern(pattern)(event)).toBe(true);
  });

  it("exists: false matches where the name is that of an object", () => {
    const pattern = { detail: { "c-count": [{ exists: false }] } };
    expect(compilePattern(pattern)({ detail: { "c-count": { c1: 100 } } })).toBe(true);
    expect(compilePattern(pattern)(event)).toBe(false);
  });

  it.each([
    [{ source: "aws.cloudwatch", metricName: "ReadLatency" }, true],
    [{ source: "aws.cloudwatch", metricType: "MetricType", namespace: "AWS/ES", spaceId: 1000 }, true],
    [{ source: "aws.cloudwatch", metricType: "MetricType", namespace: "AWS/ES" }, false],
    [{ source: "aws.cloudwatch", scope: "Service" }, true],
    [{ source: "aws.ec2", scope: "Service" }, false],
  ])("the nested or-and pattern given %j is %s", (given, expected) => {
    const pattern = {
      source: ["aws.cloudwatch"],
      $or: [
        { metricName: ["CPUUtilization", "ReadLatency"] },
        {
          metricType: ["MetricType"],
          namespace: ["AWS/EC2", "AWS/ES"],
          $or: [{ metricId: [1234] }, { spaceId: [1000] }],
        },
        { scope: ["Service"] },
      ],
    };
    expect(compilePattern(pattern)(given)).toBe(expected);
  });
});

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html */
describe("examples of EventBridge's user guide", () => {
  it.each([
    [{ detail: { eventVersion: [""] } }, { detail: { eventVersion: "" } }, true],
    [{ detail: { responseElements: [null] } }, { detail: { responseElements: null } }, true],
    [
      { detail: { EventBusArn: [{ wildcard: "arn:aws:events:*:*:event-bus/*" }] } },
      { detail: { EventBusArn: "arn:aws:events:us-east-1:1:event-bus/x" } },
      true,
    ],
    [{ detail: { "file-name": [{ suffix: ".png" }] } }, { detail: { "file-name": "photo.jpg" } }, false],
    [{ detail: { price: [{ numeric: ["=", 100] }] } }, { detail: { price: 100 } }, true],
    [{ detail: { "process-id": [{ exists: false }] } }, { detail: { "process-id": 7 } }, false],
    [{ resources: ["a", "x"] }, { resources: ["x", "y"] }, true],
  ])("given %j, then %j is %s", (pattern, given, expected) => {
    expect(compilePattern(pattern)(given)).toBe(expected);
  });
});
