import { PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it } from "vitest";
import type { Intercept } from "../../infra/emulator/front.ts";
import { makeMedia } from "../fixtures/media.ts";
import { openTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

const GRACE_SECONDS = 1;
/** Of an event that waits for the split function. */
const EVENT_SECONDS = 1;
/** Some times the first look-ups of an upload, which are within six seconds. */
const IN_THE_END = { timeout: 60_000 };

/** A stack whose splits fail in all attempts while it is `broken`. */
async function openBroken(options: { eventAgeSeconds?: number } = {}) {
  const fault = { broken: true };
  const intercept: Intercept = (request, response, serve) => {
    if (!fault.broken || request.method !== "PUT" || !request.url?.includes("segments/")) return serve();
    request.resume().once("end", () => response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>"));
  };
  const values = { "video_split.reconcile_after_sec": GRACE_SECONDS };
  return { fault, test: await openTestStack({ intercept, values, ...options }) };
}

/**
 * Makes the next pass the first one: it looks up what reached an age at any time before, however slow
 * this machine is.
 */
const forgetPasses = ({ stack, documents }: TestStack): Promise<unknown> =>
  documents.send(new DeleteCommand({ TableName: stack.names.ledger, Key: { id: "reconciler" } }));

/** Runs the real function, and waits for what it led to. */
async function reconcile({ stack }: TestStack): Promise<unknown> {
  const outcome = await stack.lambda.invoke("reconciler", {});
  await stack.idle();
  return outcome;
}

const statusOf = async (test: TestStack): Promise<unknown> =>
  (await test.allDocuments()).find(({ process_step }) => process_step === "upload")?.status;

describe("an upload that did not finish", () => {
  for (const { Status, tags } of [
    { Status: "", tags: [] },
    { Status: "Enabled", tags: ["full"] },
  ] as const)
    it(`is found by the first run, and requested again (versioning: ${Status})`, { tags: [...tags] }, async () => {
      const { fault, test } = await openBroken();
      const Bucket = test.stack.names.uploads;
      if (Status !== "")
        await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
      await test.upload(await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4"));
      expect([await statusOf(test), await test.deadLetters()]).toEqual(["processing", [expect.anything()]]);

      fault.broken = false;
      await expect
        .poll(async () => {
          await reconcile(test);
          return statusOf(test);
        }, IN_THE_END)
        .toBe("split");
      expect(await reconcile(test)).toEqual({
        result: {
          outcome: "reconciled",
          seen: 1,
          lookedUp: 0,
          unfinished: 0,
          requested: 0,
          givenUp: 0,
          complete: true,
          // The one that failed at each attempt is a person's to look at.
          deadLetters: { cleared: 0, failures: 0 },
        },
      });
      const requests = (await test.ourEvents()).filter(({ type }) => type === "SplitRequested");
      expect(requests).toHaveLength(1);
    });

  it("is given up with an event, and is split when the cause is removed", {
    tags: "full",
  }, async () => {
    const { fault, test } = await openBroken({ eventAgeSeconds: EVENT_SECONDS });
    await test.upload(await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4"));
    await expect
      .poll(async () => {
        await forgetPasses(test);
        await reconcile(test);
        return statusOf(test);
      }, IN_THE_END)
      .toBe("rejected");
    await forgetPasses(test);
    await reconcile(test);
    const announced = (await test.ourEvents()).map(({ type }) => type);
    expect(announced).toContain("SplitRequested");
    expect(announced.filter((type) => type === "VideoRejected")).toHaveLength(1);
    const [document] = await test.allDocuments();
    expect(document).toMatchObject({ status: "rejected", rejection: { reason: "GivenUp" }, size: [160, 90] });
    const metrics = test.logs.filter(({ UploadsGivenUp }) => UploadsGivenUp === 1);
    expect(metrics).toHaveLength(1);

    fault.broken = false;
    const [event] = await test.busEvents("default");
    await test.stack.lambda.invoke("split", event);
    await test.stack.idle();
    expect(await statusOf(test)).toBe("split");
  });
});

describe("two concurrent runs of the reconciler", () => {
  it("are one run: the other one ends well", async () => {
    const listing = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const test = await openTestStack({
      intercept: (request, _response, serve) => {
        if (!request.url?.includes("versions")) return serve();
        listing.resolve();
        void release.promise.then(serve);
      },
    });
    const first = test.stack.lambda.invoke("reconciler", {});
    await listing.promise;
    expect(await test.stack.lambda.invoke("reconciler", {})).toEqual({ result: { outcome: "busy" } });
    release.resolve();
    expect(await first).toMatchObject({ result: { outcome: "reconciled", complete: true } });
    expect(await test.stack.lambda.invoke("reconciler", {})).toMatchObject({ result: { outcome: "reconciled" } });
  });
});
