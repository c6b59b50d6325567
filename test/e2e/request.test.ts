import { readFile } from "node:fs/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { type RequestOptions, requestSplits } from "../../infra/operations/request.ts";
import { sha256 } from "../../services/aws/ledger.ts";
import { segmentMetadata } from "../../services/video/own-segments.ts";
import { startCommand } from "../fixtures/commands.ts";
import { NEVER } from "../fixtures/cut.ts";
import { makeMedia } from "../fixtures/media.ts";
import { openTestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

describe("requesting splits of existing objects", () => {
  it("counts first, then requests each video that isn't split, and none again", async () => {
    const test = await openTestStack();
    const { s3, stack, events, documents } = test;
    const { bus, videos: table, uploads: Bucket } = stack.names;
    const Body = await readFile(await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    for (const name of ["a.mp4", "b c.mp4", "notes.txt"]) {
      await s3.send(new PutObjectCommand({ Bucket, Key: `tapes/${name}`, Body }));
    }
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: "tapes/segment.mp4",
        Body,
        Metadata: segmentMetadata(16_384, 0, Body.length, sha256),
      }),
    );
    await stack.idle();
    expect(await test.ourEvents()).toEqual([]);

    const deployment = { s3, events, documents, bus, table };
    const options: RequestOptions = {
      bucket: Bucket,
      prefix: "tapes/",
      segmentSeconds: 3,
      cut: "keyframe",
      usual: { segmentSeconds: 30, cut: "exact" },
      extensions: ["mp4"],
      rate: 100,
      dryRun: true,
    };
    const candidates = [3, 3].map((segmentSeconds) => ({
      ...{ bytes: Body.length, seconds: undefined, segmentSeconds, cut: "keyframe" },
    }));
    const counted = {
      requested: 2,
      bytes: 2 * Body.length,
      alreadySplit: 0,
      ownOutput: 1,
      otherExtensions: 1,
      unreadable: 0,
    };
    expect(await requestSplits(deployment, options, () => {}, NEVER)).toEqual({ ...counted, candidates });
    const found = { ...counted, candidates: [] };
    expect(await test.ourEvents()).toEqual([]);

    expect(await requestSplits(deployment, { ...options, dryRun: false }, () => {}, NEVER)).toEqual(found);
    await stack.idle();
    const split = (await test.ourEvents()).flatMap((event) => (event.type === "VideoSplit" ? [event.data] : []));
    expect(split.map(({ key, segment_seconds, cut }) => [key, segment_seconds, cut]).sort()).toEqual([
      ["tapes/a.mp4", 3, "keyframe"],
      ["tapes/b c.mp4", 3, "keyframe"],
    ]);

    const again = await requestSplits(deployment, { ...options, dryRun: false }, () => {}, NEVER);
    expect(again).toEqual({ ...found, requested: 0, bytes: 0, alreadySplit: 2 });
  });

  it("skips an object that can't be read, says why, and requests the others", { tags: "full" }, async () => {
    const test = await openTestStack();
    const Bucket = test.stack.names.uploads;
    const Body = await readFile(await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    await test.s3.send(new PutObjectCommand({ Bucket, Key: "tapes/a.mp4", Body, StorageClass: "GLACIER" }));
    await test.s3.send(new PutObjectCommand({ Bucket, Key: "tapes/b.mp4", Body }));
    const { port } = new URL(test.stack.endpoint);
    const { code, stdout, stderr } = await (
      await startCommand("request", [`s3://${Bucket}/tapes/`, "--seconds", "3", "--port", port])
    ).ended;
    expect(code).toBe(1);
    expect(stdout).toContain("1 videos of");
    expect(stdout).toContain("1 that can't be read");
    expect(stderr).toMatch(/can't be read: tapes\/a\.mp4: .*GLACIER/);
    expect(stderr).toContain("requested: tapes/b.mp4");
    await test.stack.idle();
    const events = (await test.ourEvents()).flatMap(({ type, data }) => ("key" in data ? [[type, data.key]] : []));
    expect(events).toContainEqual(["VideoSplit", "tapes/b.mp4"]);
    expect(events.filter(([, key]) => key === "tapes/a.mp4")).toEqual([]);
  });

  it("reports on a dry run the length of the videos, the number of segments and the cost, and requests nothing", {
    tags: "full",
  }, async () => {
    const test = await openTestStack();
    const Bucket = test.stack.names.uploads;
    const folder = await temporaryFolder();
    const put = (Key: string, Body: Buffer, Metadata: Record<string, string> = {}) =>
      test.s3.send(new PutObjectCommand({ Bucket, Key, Body, Metadata }));
    const video = await readFile(await makeMedia(folder, "no-audio.mp4"));
    // Six seconds each; the second one's metadata requests segments of 2 s.
    await put("tapes/a.mp4", video);
    await put("tapes/b.mkv", await readFile(await makeMedia(folder, "matroska.mkv")), { "segment-seconds": "2" });
    await put("tapes/broken.mp4", Buffer.alloc(1));
    const { port } = new URL(test.stack.endpoint);
    const dryRun = async (...args: string[]) =>
      (await startCommand("request", [`s3://${Bucket}/tapes/`, "--dry-run", "--port", port, ...args])).ended;

    const { code, stdout } = await dryRun();
    expect(code).toBe(0);
    expect(stdout).toContain("3 videos of 0.001 GB would be requested");
    expect(stdout).toContain("about 0.0033 hours; the headers of 2 of 3 videos contain a duration");
    // The usual length is 30 s: one, three, and one that is broken.
    expect(stdout).toContain("about 5 segments");
    expect(stdout).toMatch(/about \$0\.000\d+ once \(Lambda \$[\de.-]+, S3 requests/);
    expect((await dryRun("--seconds", "3")).stdout).toContain("about 5 segments");
    expect((await dryRun("--seconds", "1")).stdout).toContain("about 13 segments");
    const nowhere = await (await startCommand("request", ["s3://nowhere/tapes/", "--port", port])).ended;
    expect([nowhere.code, nowhere.stderr]).toEqual([1, "There is no bucket nowhere\n"]);
    expect(await test.ourEvents()).toEqual([]);
  });
});
