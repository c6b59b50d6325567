import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateEventBusCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  ListArchivesCommand,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { all, busEvent, entry, FUNCTION, OTHER_FUNCTION, openBridge, QUEUE, type Received, target } from "./bridge.ts";

const rules = [
  { name: "a", bus: "video", pattern: { source: ["test"] }, targets: [target("one", { deadLetterArn: QUEUE })] },
];

const filesOf = async (directory: string, name: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true }))
    .filter((path) => path.endsWith(name))
    .map((path) => join(directory, path));

/** A bridge that isn't closed, as after a kill -9, with one running delivery of each event. */
async function abandoned(directory: string, events: number): Promise<Received[]> {
  const started = Promise.withResolvers<void>();
  let running = 0;
  const { bridge, received } = await openBridge({
    directory,
    rules,
    deliver: () => {
      if (++running === events) started.resolve();
      return new Promise(() => {});
    },
  });
  await bridge.put(
    "video",
    Array.from({ length: events }, (_, n) => busEvent({ n })),
  );
  await started.promise;
  return received;
}

describe("after a restart", () => {
  it("given deliveries that were under way, then they are delivered again with the same ids", async () => {
    const directory = await temporaryFolder();
    const before = await abandoned(directory, 3);
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received.map(({ delivery: { id }, event }) => ({ id, event }))).toEqual(
      before.map(({ delivery: { id }, event }) => ({ id, event })),
    );
  });

  it("given deliveries that were done, then they aren't repeated", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({ directory, rules });
    await first.bridge.put("video", [busEvent(), busEvent()]);
    await first.bridge.idle();
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received).toEqual([]);
  });

  it("given a closed bridge, then what was pending continues with the number of the attempt", async () => {
    const directory = await temporaryFolder();
    const failed = Promise.withResolvers<void>();
    const first = await openBridge({
      directory,
      rules,
      retryDelayMs: (attempt) => (attempt === 2 ? 3_600_000 : 1),
      deliver: async (_, __, { attempt }) => {
        if (attempt === 2) failed.resolve();
        throw new Error("down");
      },
    });
    await first.bridge.put("video", [busEvent()]);
    await failed.promise;
    await new Promise(setImmediate);
    await first.bridge.close();
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received.map(({ delivery }) => delivery.attempt)).toEqual([3]);
    expect(received[0]?.delivery.id).toBe(first.received[0]?.delivery.id);
  });

  it("given a delivery that ends after the bridge was closed, then it is repeated with the same id", async () => {
    const directory = await temporaryFolder();
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const first = await openBridge({
      directory,
      rules,
      deliver: () => {
        started.resolve();
        return gate.promise;
      },
    });
    await first.bridge.put("video", [busEvent()]);
    await started.promise;
    await first.bridge.close();
    gate.resolve();
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received.map(({ delivery }) => delivery.id)).toEqual([first.received[0]?.delivery.id]);
  });

  it("given a delivery that fails after the bridge was closed, then it is repeated as if it hadn't been tried", async () => {
    const directory = await temporaryFolder();
    const started = Promise.withResolvers<void>();
    const failure = Promise.withResolvers<void>();
    const first = await openBridge({
      directory,
      rules,
      deliver: () => {
        started.resolve();
        return failure.promise;
      },
    });
    await first.bridge.put("video", [busEvent()]);
    await started.promise;
    await first.bridge.close();
    failure.reject(new Error("the functions were stopped"));
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received.map(({ delivery }) => delivery)).toEqual(first.received.map(({ delivery }) => delivery));
  });

  it("given an incomplete line of a killed process, then it is dropped and the log continues", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({ directory, rules });
    await first.bridge.put("video", [busEvent({ n: 1 })]);
    await first.bridge.idle();
    await first.bridge.close();
    for (const file of [
      ...(await filesOf(directory, "log.jsonl")),
      ...(await filesOf(directory, "deliveries.jsonl")),
    ]) {
      await appendFile(file, '{"at":1,"event":{"de');
    }
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.put("video", [busEvent({ n: 2 })]);
    await bridge.idle();
    expect((await all(bridge.log("video"))).map(({ detail }) => detail)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(received.map(({ event }) => event.detail)).toEqual([{ n: 2 }]);
  });

  it("given a deleted rule, then its pending event is dropped and listeners are called", async () => {
    const directory = await temporaryFolder();
    await abandoned(directory, 1);
    const { bridge } = await openBridge({ directory, rules: [] });
    const deadLetter = new Promise((resolve) => bridge.onDeadLetter((_, { errorCode }) => resolve(errorCode)));
    expect(await deadLetter).toBe("NO_RESOURCE");
    await bridge.idle();
  });

  it("given thousands of deliveries, then the journal is compacted, and nothing that is pending gets lost", async () => {
    const directory = await temporaryFolder();
    const hanging = Promise.withResolvers<string>();
    const first = await openBridge({
      directory,
      rules,
      deliver: (_, event, { id }) => {
        if ((event as { detail: { hangs?: boolean } }).detail.hangs !== true) return Promise.resolve();
        hanging.resolve(id);
        return new Promise(() => {});
      },
    });
    await first.bridge.put("video", [busEvent({ hangs: true })]);
    const done = new Promise<void>((resolve) => {
      let left = 12_000;
      first.bridge.onDelivered(() => --left === 0 && resolve());
    });
    await first.bridge.put(
      "video",
      Array.from({ length: 12_000 }, () => busEvent()),
    );
    await done;
    const [journal] = (await filesOf(directory, "deliveries.jsonl")).filter((path) => path.includes("video"));
    expect((await readFile(journal ?? "", "utf8")).split("\n").length).toBeLessThan(10_000);

    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received.map(({ delivery }) => delivery.id)).toEqual([await hanging.promise]);
  });

  it("given resources of a user, then they are restored, and managed ones are as in the options", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({ directory, rules });
    const send = first.client.send.bind(first.client);
    await send(new CreateEventBusCommand({ Name: "mine", Description: "my own" }));
    await send(
      new PutRuleCommand({
        Name: "mine",
        EventBusName: "mine",
        EventPattern: '{"source":["test"]}',
        State: "DISABLED",
      }),
    );
    await send(new PutTargetsCommand({ Rule: "mine", EventBusName: "mine", Targets: [{ Id: "x", Arn: FUNCTION }] }));
    await send(
      new PutTargetsCommand({ Rule: "a", EventBusName: "video", Targets: [{ Id: "added", Arn: OTHER_FUNCTION }] }),
    );
    await send(
      new PutTargetsCommand({ Rule: "a", EventBusName: "video", Targets: [{ Id: "one", Arn: OTHER_FUNCTION }] }),
    );
    await send(new DisableRuleCommand({ Name: "a", EventBusName: "video" }));
    await send(new PutEventsCommand({ Entries: [entry({ n: 1 }, { EventBusName: "mine" })] }));
    await first.bridge.close();

    const { client, bridge } = await openBridge({ directory, rules });
    expect(await client.send(new DescribeEventBusCommand({ Name: "mine" }))).toMatchObject({ Description: "my own" });
    expect(await client.send(new DescribeRuleCommand({ Name: "mine", EventBusName: "mine" }))).toMatchObject({
      State: "DISABLED",
    });
    expect((await all(bridge.log("mine"))).map(({ detail }) => detail)).toEqual([{ n: 1 }]);
    expect(await client.send(new DescribeRuleCommand({ Name: "a", EventBusName: "video" }))).toMatchObject({
      State: "ENABLED",
    });
    const { Targets } = await client.send(new ListTargetsByRuleCommand({ Rule: "a", EventBusName: "video" }));
    expect(Targets?.map(({ Id, Arn }) => [Id, Arn])).toEqual([
      ["added", OTHER_FUNCTION],
      ["one", FUNCTION],
    ]);
  });

  it("given a managed target of an id that a person used, then it is the managed one", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({
      directory,
      rules: [{ name: "a", bus: "video", pattern: { source: ["test"] }, targets: [] }],
    });
    const added = { Rule: "a", EventBusName: "video", Targets: [{ Id: "one", Arn: OTHER_FUNCTION }] };
    await first.client.send(new PutTargetsCommand(added));
    const { client } = await openBridge({ directory, rules });
    const { Targets } = await client.send(new ListTargetsByRuleCommand({ Rule: "a", EventBusName: "video" }));
    expect(Targets?.map(({ Id, Arn }) => [Id, Arn])).toEqual([["one", FUNCTION]]);
  });

  it("given rules, archives and buses that aren't managed any more, then they are deleted", async () => {
    const directory = await temporaryFolder();
    await openBridge({
      directory,
      rules,
      buses: ["video", "old"],
      archives: [{ name: "log", bus: "video", retentionDays: 0 }],
    });
    const { client } = await openBridge({ directory });
    expect((await client.send(new ListRulesCommand({ EventBusName: "video" }))).Rules).toEqual([]);
    expect((await client.send(new ListArchivesCommand({}))).Archives).toEqual([]);
    const { EventBuses } = await client.send(new ListEventBusesCommand({}));
    expect(EventBuses?.map(({ Name }) => Name)).toEqual(["default", "video"]);
  });

  it("given a journal that was being rewritten when the process was killed, then the incomplete file is ignored", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({ directory, rules });
    await first.bridge.put("video", [busEvent()]);
    await first.bridge.idle();
    await first.bridge.close();
    const [pending] = first.received;
    const [journal] = (await filesOf(directory, "deliveries.jsonl")).filter((path) => path.includes("video"));
    const line = { id: pending?.delivery.id, rule: "a", targetId: "one", offset: 0, length: 2, since: 0, attempts: 0 };
    await writeFile(`${journal}.new`, `${JSON.stringify({ pending: line })}\n`);
    await (await openBridge({ directory, rules })).bridge.close();
    const { bridge, received } = await openBridge({ directory, rules });
    await bridge.idle();
    expect(received).toEqual([]);
  });

  it.each([
    [
      "a rule",
      { rules: [{ name: "a", bus: "none", pattern: { a: [1] }, targets: [] }] },
      "Rule a is for event bus none",
    ],
    ["an archive", { archives: [{ name: "a", bus: "none", retentionDays: 0 }] }, "Archive a is of none"],
    ["a pattern", { rules: [{ name: "a", bus: "video", pattern: {}, targets: [] }] }, "Event pattern is not valid"],
  ])("given %s that can't be, then opening fails", async (_, options, message) => {
    await expect(openBridge(options)).rejects.toThrow(message);
  });
});
