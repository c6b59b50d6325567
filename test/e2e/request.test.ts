import { readFile } from "node:fs/promises";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { requestSplits, type Wish } from "../../infra/operations/request.ts";
import { NEVER } from "../fixtures/cut.ts";
import { makeMedia } from "../fixtures/media.ts";
import { openTestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

describe("asking for what lies there already", () => {
  it("counts first, then asks for each video that isn't split, and for none again", async () => {
    const test = await openTestStack();
    const { s3, stack, events, documents } = test;
    const { bus, archive, videos: table, uploads: Bucket } = stack.names;
    const Body = await readFile(await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    for (const name of ["a.mp4", "b c.mp4", "notes.txt"]) {
      await s3.send(new PutObjectCommand({ Bucket, Key: `tapes/${name}`, Body }));
    }
    await s3.send(
      new PutObjectCommand({ Bucket, Key: "tapes/clip.mp4", Body, Metadata: { "video-split-parent": "16384" } }),
    );
    await stack.idle();
    expect(await test.ourEvents()).toEqual([]);

    const deployment = { s3, events, documents, bus, archive, table, settledMs: 0 };
    const wish: Wish = {
      bucket: Bucket,
      prefix: "tapes/",
      segmentSeconds: 3,
      cut: "keyframe",
      extensions: ["mp4"],
      rate: 100,
      dryRun: true,
    };
    const found = { requested: 2, bytes: 2 * Body.length, alreadySplit: 0, ownOutput: 1, otherExtensions: 1 };
    expect(await requestSplits(deployment, wish, () => {}, NEVER)).toEqual(found);
    expect(await test.ourEvents()).toEqual([]);

    expect(await requestSplits(deployment, { ...wish, dryRun: false }, () => {}, NEVER)).toEqual(found);
    await stack.idle();
    const split = (await test.ourEvents()).flatMap((event) => (event.type === "VideoSplit" ? [event.data] : []));
    expect(split.map(({ key, segment_seconds, cut }) => [key, segment_seconds, cut]).sort()).toEqual([
      ["tapes/a.mp4", 3, "keyframe"],
      ["tapes/b c.mp4", 3, "keyframe"],
    ]);

    const again = await requestSplits(deployment, { ...wish, dryRun: false }, () => {}, NEVER);
    expect(again).toEqual({ ...found, requested: 0, bytes: 0, alreadySplit: 2 });
  });
});
