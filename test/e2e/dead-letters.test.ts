import type { IncomingMessage } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { functionArn, ruleArn } from "../../infra/emulator/arns.ts";
import { childrenOf, ownerOfPort } from "../../infra/emulator/faults/client-process.ts";
import type { Intercept } from "../../infra/emulator/front.ts";
import { ofDelivery, ofInvocation } from "../../infra/local/dead-letter-queues.ts";
import { startCommand } from "../fixtures/commands.ts";
import { makeMedia } from "../fixtures/media.ts";
import { openTestStack, sharedTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** Whether what is put into the output bucket is refused, and how many ranges of objects were read. */
const output = { broken: false, reads: 0 };

const intercept: Intercept = (request, response, serve) => {
  if (request.method === "GET" && request.headers.range !== undefined) output.reads += 1;
  if (!output.broken || request.method !== "PUT" || !request.url?.includes("segments/")) return serve();
  request.resume().once("end", () => response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>"));
};

/** Each test leaves no dead letter to the next. */
const shared = sharedTestStack({ intercept });

/**
 * Timeout of the functions: how long a killed one counts as running. Enough for a split of a small
 * video on a busy machine, less 5.
 */
const LEASE_SECONDS = 15;

async function killClientOf({ socket }: IncomingMessage): Promise<void> {
  const pid = await ownerOfPort(socket.remotePort ?? 0, await childrenOf(process.pid, ""));
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}

const command = async ({ stack }: TestStack, ...args: string[]) => {
  const { port } = new URL(stack.endpoint);
  return (await startCommand("dead-letters", [...args, "--port", port])).ended;
};

/** The id that begins the only dead letter's line. */
const idIn = (listed: string): string => listed.slice(0, listed.indexOf(" "));

describe("dead letters of a function that failed at each attempt", () => {
  it("are listed, shown, kept while they fail, and redriven once", async () => {
    output.broken = true;
    onTestFinished(() => {
      output.broken = false;
    });
    const test = await shared();
    const video = await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4");
    const key = await test.upload(video, { metadata: { "segment-seconds": "2" } });

    const listed = await command(test, "list");
    expect(listed.stdout).toMatch(/function split, 3 attempts {2}Object Created uploads\/keyframe-each-second\.mp4/);
    const id = idIn(listed.stdout);
    const shown = JSON.parse((await command(test, "show", id.slice(0, 8))).stdout);
    expect(shown).toMatchObject({
      id,
      queue: "splitFailures",
      level: "function",
      errorCode: "AccessDenied",
      event: { detail: { object: { key: "uploads/keyframe-each-second.mp4" } } },
    });

    const failed = await command(test, "redrive", id);
    expect([failed.code, failed.stdout]).toEqual([2, expect.stringContaining("kept: it failed again: AccessDenied")]);
    output.broken = false;
    const redriven = await command(test, "redrive", "--all");
    expect([redriven.code, redriven.stdout]).toEqual([0, expect.stringContaining(": split\n1 redriven, 0 kept")]);
    await test.stack.idle();
    expect(await test.allDocuments(key)).toMatchObject([
      { status: "split" },
      { segment_index: 0 },
      { segment_index: 1 },
      { segment_index: 2 },
    ]);

    const events = await test.ourEvents();
    expect((await command(test, "redrive", "--all")).stdout).toBe("0 redriven, 0 kept\n");
    expect((await command(test, "list")).stdout).toBe("No dead letters\n");
    expect(await test.ourEvents()).toEqual(events);
  });

  it("stay while a killed attempt counts as running, because otherwise the work would be lost", {
    tags: "full",
  }, async () => {
    const fault = { broken: true };
    const intercept: Intercept = (request, _response, serve) => {
      if (fault.broken && request.method === "PUT" && request.url?.includes("segments/")) void killClientOf(request);
      else serve();
    };
    const test = await openTestStack({ intercept, timeoutSeconds: LEASE_SECONDS });
    const video = await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4");
    await test.upload(video, { metadata: { "segment-seconds": "2" } });
    fault.broken = false;
    const early = await command(test, "redrive", "--all");
    expect([early.code, early.stdout]).toEqual([2, expect.stringContaining("kept: another delivery")]);
    await expect
      .poll(async () => (await command(test, "redrive", "--all")).stdout, { timeout: 4_000 * LEASE_SECONDS })
      .toContain("1 redriven, 0 kept");
    await test.stack.idle();
    expect(await test.allDocuments()).toMatchObject([{ status: "split" }, {}, {}, {}]);
  });
});

describe("a dead letter of an event that waited too long", () => {
  it("of an upload that has been split, is deleted by the reconciler, or by a redrive that doesn't read the video", async () => {
    const test = await shared();
    const video = await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4");
    const none = output.reads;
    await test.upload(video, { key: "uploads/split.mp4" });
    expect(output.reads).toBeGreaterThan(none);
    const event = (await test.busEvents("default")).at(-1);
    const before = [await test.allDocuments(), await test.ourEvents(), output.reads];
    const failed = {
      functionName: "split",
      requestId: "8f4a1c1e-0000-4000-8000-000000000000",
      event,
      attempts: 0,
      condition: "EventAgeExceeded",
      error: { errorType: "EventAgeExceeded", errorMessage: "The event waited for more than 21600 seconds" },
    } as const;
    const agedOut = ofInvocation(failed, test.stack.region);
    const failedAgain = ofInvocation({ ...failed, condition: "RetriesExhausted" }, test.stack.region);
    const send = (deadLetter: typeof agedOut) => test.stack.deadLetters.send("splitFailures", deadLetter);
    await send(agedOut);
    await send(failedAgain);
    const run = await test.stack.lambda.invoke("reconciler", {});
    expect(run).toMatchObject({ result: { outcome: "reconciled", deadLetters: { cleared: 1, failures: 0 } } });
    expect(test.logs.filter(({ DeadLettersCleared }) => DeadLettersCleared === 1)).toHaveLength(1);
    expect(await test.deadLetters()).toHaveLength(1);

    await send(agedOut);
    const redriven = await command(test, "redrive", "--all");
    expect([redriven.code, redriven.stdout]).toEqual([0, expect.stringContaining(": split\n2 redriven, 0 kept")]);
    await test.stack.idle();
    expect([await test.allDocuments(), await test.ourEvents(), output.reads]).toEqual(before);
    expect(await test.deadLetters()).toEqual([]);
  });
});

describe("dead letters of EventBridge", () => {
  it("are redriven likewise, and change nothing where their event got through after all", {
    tags: "full",
  }, async () => {
    const test = await shared();
    const { region, topology } = test.stack;
    const video = await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4");
    await test.upload(video, { key: "uploads/delivered.mp4" });
    const event = (await test.busEvents("default")).at(-1);
    const before = await test.allDocuments();
    const deadLetter = {
      rule: "uploaded",
      targetArn: functionArn(region, "split"),
      errorCode: "SDK_CLIENT_ERROR",
      errorMessage: "throttled",
      attempts: 186,
      event,
    };
    expect(topology.rules.map(({ name }) => name)).toContain(deadLetter.rule);
    await test.stack.deadLetters.send("splitRuleDeadLetters", ofDelivery(deadLetter, ruleArn(region, deadLetter.rule)));

    expect((await command(test, "list")).stdout).toContain("rule uploaded, 186 attempts  Object Created");
    expect((await command(test, "redrive", "--all")).stdout).toContain("1 redriven, 0 kept");
    await test.stack.idle();
    expect(await test.allDocuments()).toEqual(before);
  });
});

describe("npx video-split dead-letters", () => {
  it.each([
    [[], "Specify list, show ID or redrive; got nothing"],
    [["show"], "Specify the ID of one dead letter"],
    [["redrive"], "Specify the IDs of the dead letters to redrive"],
    [["list", "--stage", "x"], "--stage is for a deployed stage"],
    [["list", "--nonsense"], "See npx video-split dead-letters --help"],
  ])("answers %j in one line", { tags: "full" }, async (args, answer) => {
    const { code, stderr } = await (await startCommand("dead-letters", [...args, "--port", "1"])).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining(answer)]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
