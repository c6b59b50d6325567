import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import type { BusEvent } from "../../infra/emulator/events/index.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { sharedTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

const SETTINGS = {
  "poster.enabled": true,
  "video_split.output_files_duration_in_sec": 2,
  "video_split.cut": "keyframe",
};
const stack = sharedTestStack({ values: SETTINGS });

const objectsOf = async ({ s3, stack: { names } }: TestStack): Promise<Map<string, string>> => {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: names.segments }));
  return new Map(Contents.map(({ Key, ETag }) => [Key!, ETag!]));
};

const isOfSegment = ({ "detail-type": type }: BusEvent): boolean => type === "SegmentCreated";

describe("given a video is uploaded, then each of its segments has a poster", () => {
  it("beside it, announced and in its document, and the same when segments are announced again", async () => {
    const test = await stack();
    const path = join(await temporaryFolder(), "a b.mp4");
    await ffmpeg("-f", "lavfi", "-i", "testsrc2=duration=4:size=160x90:rate=25", "-c:v", "libx264", "-g", "25", path);
    await test.upload(path);

    const segments = (await test.allDocuments()).filter(({ process_step }) => process_step === "timesplit");
    const objects = await objectsOf(test);
    expect(segments).toHaveLength(2);
    for (const { key, bucket, poster } of segments) {
      const posterKey = String(key).replace(/mp4$/, "jpg");
      expect(poster).toEqual({ bucket, key: posterKey, size: [640, 360] });
      expect(objects.has(posterKey)).toBe(true);
    }
    const { key: Key } = segments[0]!.poster as { key: string };
    const object = await test.s3.send(new GetObjectCommand({ Bucket: test.stack.names.segments, Key }));
    expect(object.ContentType).toBe("image/jpeg");

    const before = await test.allDocuments();
    for (const event of (await test.busEvents(test.stack.names.bus)).filter(isOfSegment))
      expect(await test.stack.lambda.invoke("poster", event)).toMatchObject({ result: { outcome: "made" } });
    await test.stack.idle();

    const posters = (await test.ourEvents()).filter(({ type }) => type === "PosterCreated");
    expect(posters).toHaveLength(4);
    expect(new Set(posters.map(({ metadata }) => metadata.eventId)).size).toBe(2);
    expect(await objectsOf(test)).toEqual(objects);
    expect(await test.allDocuments()).toEqual(before);
    expect(await test.deadLetters()).toEqual([]);
    // A poster is no upload.
    expect((await test.ourEvents()).filter(({ type }) => type === "SplitPlanned")).toHaveLength(1);
  });
});
