import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { CopyObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { createEvent, type EventData, segmentIds } from "#events-schema";
import { makeMedia, videoPackets } from "../fixtures/media.ts";
import { openTestStack, sharedTestStack, type TestStack } from "../fixtures/stack.ts";
import { download, listKeys } from "../fixtures/stored-segments.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** Shared by the tests whose uploads don't affect each other: each uses its own key. */
const shared = sharedTestStack({ values: { "video_split.output_files_duration_in_sec": 2 } });

/** Types of the events of a split into three segments, sorted. */
const OF_THREE_SEGMENTS = ["SegmentCreated", "SegmentCreated", "SegmentCreated", "SplitPlanned", "VideoSplit"];

/** Puts a SplitRequested of this data on the stack's bus. */
function requestSplit(test: TestStack, data: Record<string, unknown>): Promise<unknown> {
  const ids = { eventId: crypto.randomUUID(), correlationId: "c", causationId: "c" };
  const metadata = { ...ids, version: 1, occurredAt: new Date().toISOString() };
  const { source, detailType, detail } = createEvent("SplitRequested", data as never, metadata);
  const entry = { Source: source, DetailType: detailType, Detail: JSON.stringify(detail) };
  return test.events.send(new PutEventsCommand({ Entries: [{ EventBusName: test.stack.names.bus, ...entry }] }));
}

describe("an uploaded video", () => {
  it("becomes segments, which are announced by events and described by documents", async () => {
    const test = await shared();
    const source = await makeMedia(await temporaryFolder(), "b-frames.mp4");

    const key = await test.upload(source, { key: "uploads/a b+c%20(1) ü.mp4" });

    const events = await test.ourEvents(key);
    expect(events.map(({ type }) => type).sort()).toEqual(OF_THREE_SEGMENTS);
    expect(events.at(0)?.type).toBe("SplitPlanned");
    expect(events.at(-1)?.type).toBe("VideoSplit");
    expect(new Set(events.map(({ metadata }) => metadata.correlationId)).size).toBe(1);

    const [video, ...segments] = await test.allDocuments(key);
    const VideoId = video!.VideoId as number;
    const { bytes, cost } = events.at(-1)!.data as EventData<"VideoSplit">;
    const written = segments.reduce((sum, segment) => sum + Number(segment.bytes), 0);
    // The video is read to find its packets, and to cut them. Four events are before the last.
    expect(cost).toMatchObject({ invocations: 1, bytes_written: written, s3_writes: 3, events: 4 });
    expect(cost!.bytes_read).toBeGreaterThanOrEqual(bytes);
    expect(cost!.s3_reads).toBeGreaterThan(1);
    expect(cost!.gb_seconds).toBeGreaterThan(0.1);
    // Two of each segment; the block, the lock and the choice.
    expect(cost).toMatchObject({ dynamodb_writes: 3 * 2 + 3, dynamodb_reads: 1 });
    expect(video).not.toHaveProperty("cost");
    expect(video).toMatchObject({
      process_step: "upload",
      status: "split",
      bucket: "video-split-uploads",
      key,
      name: "a b+c%20(1) ü",
      extension: "mp4",
      size: [160, 90],
      fps: 25,
      duration: 6,
      audio: true,
      sub_videos: segmentIds(VideoId, 3),
    });
    expect(segments).toMatchObject(
      [0, 1, 2].map((index) => ({
        VideoId: VideoId + 1 + index,
        start: index * 2,
        end: index * 2 + 2,
        frames: 50,
        parent_video: VideoId,
        process_step: "timesplit",
      })),
    );

    const keys = await listKeys(test, "a b+c%20(1) ü");
    expect(keys).toEqual(segments.map(({ key }) => key));
    const packets = await Promise.all((await download(test, keys)).map(videoPackets));
    expect(packets.flat().length).toBe((await videoPackets(source)).length);
    const head = await test.s3.send(new HeadObjectCommand({ Bucket: test.stack.names.segments, Key: keys[0]! }));
    expect(head).toMatchObject({
      ContentType: "video/mp4",
      Metadata: { "video-split-parent": String(VideoId), checksum: segments[0]!.checksum },
    });
    expect(await test.deadLetters()).toEqual([]);
  });

  it("is measured, in lines of the functions' logs that CloudWatch makes metrics of", { tags: "full" }, async () => {
    const test = await shared();
    const before = test.logs.length;
    const key = await test.upload(await makeMedia(await temporaryFolder(), "no-audio.mp4"), {
      key: "uploads/measured.mp4",
    });

    const logs = test.logs.slice(before);
    const directives = { CloudWatchMetrics: [{ Namespace: "VideoSplit", Dimensions: [["service"]] }] };
    const [split, ...projected] = ["split", "projector"].flatMap((functionName) =>
      logs.filter((line) => line.functionName === functionName && "_aws" in line),
    );
    const [video] = await test.allDocuments(key);
    expect(split).toMatchObject({
      _aws: directives,
      service: "split",
      VideosSplit: 1,
      SegmentsCreated: 3,
      VideoSeconds: 6,
      VideoBytes: video!.bytes,
      video_id: video!.VideoId,
    });
    expect(projected).toHaveLength(5);
    for (const line of projected)
      expect(line).toMatchObject({ _aws: directives, service: "projector", EventsProjected: 1 });
    // Not a warning of Powertools' beside them: each line is JSON.
    expect(logs.filter(({ text }) => text !== undefined)).toEqual([]);
  });

  it("delivered three times concurrently makes one set of documents and objects, and no dead letter", async () => {
    const test = await shared();
    const logged = test.logs.length;
    const Key = "uploads/x.mp4";
    await test.upload(await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4"), { key: "elsewhere/x.mp4" });
    const copy = new CopyObjectCommand({
      Bucket: test.stack.names.uploads,
      Key,
      CopySource: `${test.stack.names.uploads}/elsewhere/x.mp4`,
    });
    await test.s3.send(copy);
    const [event] = (await test.busEvents("default")).slice(-1);
    await test.stack.bridge.put("default", [
      { ...event!, id: crypto.randomUUID() },
      { ...event!, id: crypto.randomUUID() },
    ]);
    await test.stack.idle();

    expect((await test.ourEvents(Key)).map(({ type }) => type).sort()).toEqual(OF_THREE_SEGMENTS);
    const before = await test.allDocuments();
    expect(await test.allDocuments(Key)).toHaveLength(4);
    expect(await listKeys(test, "x")).toHaveLength(3);
    expect(await test.deadLetters()).toEqual([]);

    await test.stack.bridge.put("default", [{ ...event!, id: crypto.randomUUID() }]);
    await test.stack.idle();
    expect(await test.allDocuments()).toEqual(before);
    const counted = test.logs
      .slice(logged)
      .map(({ VideosSplit, DuplicateDeliveries }) => ({ VideosSplit, DuplicateDeliveries }));
    expect(counted.filter(({ VideosSplit }) => VideosSplit === 1)).toHaveLength(1);
    expect(counted.filter(({ DuplicateDeliveries }) => DuplicateDeliveries === 1)).toHaveLength(3);
  });

  it("is identified by its whole key, accepted with an extension in any case, and cut as its own metadata says", {
    tags: "full",
  }, async () => {
    const test = await shared();
    const folder = await temporaryFolder();
    const source = await makeMedia(folder, "no-audio.mp4");
    const keys = ["uploads/monday/film.mp4", "uploads/tuesday/film.mp4"];
    await test.upload(source, { key: keys[0]! });
    await test.upload(source, { key: keys[1]!, metadata: { "segment-seconds": "3" } });
    const ends = async (key: string) => (await test.allDocuments(key)).flatMap(({ end }) => end ?? []);
    expect(await Promise.all(keys.map(ends))).toEqual([
      [2, 4, 6],
      [3, 6],
    ]);
    expect(await listKeys(test, "film/")).toHaveLength(5);

    const before = (await test.ourEvents()).length;
    await copyFile(source, join(folder, "NOTES.TXT"));
    await test.upload(source, { key: "uploads/FILM.MP4", metadata: { "segment-seconds": "6" } });
    await test.upload(join(folder, "NOTES.TXT"));
    expect((await test.ourEvents()).slice(before).map(({ type }) => type)).toEqual([
      "SplitPlanned",
      "SegmentCreated",
      "VideoSplit",
    ]);
  });
});

describe("what can't be split is rejected once, with a reason", () => {
  it("EmptyObject, NotMedia, NoVideoStream", async () => {
    const test = await shared();
    const [documentsBefore, before] = [(await test.allDocuments()).length, (await test.ourEvents()).length];
    const folder = await temporaryFolder();
    const files = { EmptyObject: "", NotMedia: "this is no video at all, whatever its name says" };
    for (const [reason, text] of Object.entries(files)) {
      await writeFile(join(folder, `${reason}.mp4`), text);
      await test.upload(join(folder, `${reason}.mp4`));
    }
    await test.upload(await makeMedia(folder, "audio-only.mp4"), { key: "uploads/NoVideoStream.mp4" });
    const reasons = [...Object.keys(files), "NoVideoStream"];
    expect(
      (await test.ourEvents())
        .slice(before)
        .map(({ type, data }) => [type, "rejection" in data && data.rejection.reason]),
    ).toEqual(reasons.map((reason) => ["VideoRejected", reason]));
    const documents = await test.allDocuments();
    expect(documents).toHaveLength(documentsBefore + reasons.length);
    for (const reason of reasons)
      expect(documents.find(({ name }) => name === reason)).toMatchObject({
        status: "rejected",
        rejection: { reason },
        process_step: "upload",
        key: `uploads/${reason}.mp4`,
      });
    expect(await test.deadLetters()).toEqual([]);
  });

  it("TooLarge", { tags: "full" }, async () => {
    const test = await openTestStack({ values: { "video_split.largest_object_bytes": 1_000 } });
    await test.upload(await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    expect(await test.allDocuments()).toMatchObject([{ rejection: { reason: "TooLarge" } }]);
  });

  it("InvalidOverride, and the same bytes split once the override is right", async () => {
    const test = await shared();
    const source = await makeMedia(await temporaryFolder(), "no-audio.mp4");
    const key = "uploads/override.mp4";
    await test.upload(source, { key, metadata: { "segment-seconds": "soon" } });
    expect(await test.allDocuments(key)).toMatchObject([
      { status: "rejected", rejection: { reason: "InvalidOverride" } },
    ]);
    await test.upload(source, { key, metadata: { "segment-seconds": "2" } });
    const documents = await test.allDocuments(key);
    expect(documents[0]).toMatchObject({ status: "split" });
    expect(documents[0]).not.toHaveProperty("rejection");
    expect(documents).toHaveLength(4);
  });

  it("UnreadableMedia never: a mix that its container can't be written with goes into the next one", {
    tags: "full",
  }, async () => {
    const test = await shared();
    const source = await makeMedia(await temporaryFolder(), "pcm-audio.mov");
    const key = await test.upload(source, { key: "uploads/named.mp4" });
    expect((await test.allDocuments(key))[0]).toMatchObject({ status: "split" });
    expect(await listKeys(test, "named")).toHaveLength(3);
  });
});

describe("what is none of its business is left alone", () => {
  it("its own output, even when it is copied into the uploads", async () => {
    const test = await shared();
    const source = await makeMedia(await temporaryFolder(), "no-audio.mp4");
    await test.upload(source, { key: "uploads/own.mp4", metadata: { "segment-seconds": "6" } });
    const [segment] = await listKeys(test, "own");
    const before = (await test.ourEvents()).length;
    await test.s3.send(
      new CopyObjectCommand({
        Bucket: test.stack.names.uploads,
        Key: "uploads/again.mp4",
        CopySource: `${test.stack.names.segments}/${encodeURIComponent(segment!)}`,
      }),
    );
    await test.stack.idle();
    expect(await test.ourEvents()).toHaveLength(before);
    expect(test.logs.some(({ message }) => String(message).startsWith("Skipped: it's a segment of video"))).toBe(true);
  });
});

describe("SplitRequested", () => {
  it("splits an object with any key, with its own segment length and prefix", async () => {
    const test = await shared();
    const key = await test.upload(await makeMedia(await temporaryFolder(), "matroska.mkv"), {
      key: "archive/2019/old film.mkv",
    });
    const data = {
      bucket: test.stack.names.uploads,
      key,
      segment_seconds: 3,
      output_key_prefix: "again/{video_id}/",
      reason: "backfill",
    };
    await requestSplit(test, data);
    await test.stack.idle();
    const [video, ...segments] = await test.allDocuments(key);
    expect(video).toMatchObject({
      status: "split",
      name: "old film",
      sub_videos: segmentIds(video!.VideoId as number, 2),
    });
    const keys = [0, 1].map((n) => `again/${video!.VideoId}/old film-${video!.VideoId}-0000${n}.mkv`);
    expect(segments.map((segment) => segment.key)).toEqual(keys);
    expect(await download(test, keys)).toHaveLength(2);
  });

  it("for an object that doesn't exist is rejected as SourceNotFound", { tags: "full" }, async () => {
    const test = await shared();
    const data = { bucket: test.stack.names.uploads, key: "nowhere.mp4", reason: "manual" };
    await requestSplit(test, data);
    await test.stack.idle();
    expect(await test.allDocuments("nowhere.mp4")).toMatchObject([
      { status: "rejected", rejection: { reason: "SourceNotFound" } },
    ]);
  });
});

describe("after all of these", () => {
  it("nothing is left in the function's temporary folder", async () => {
    const { directory } = await shared();
    const left = (await readdir(join(directory, "lambda"), { recursive: true })).filter((path) =>
      path.includes("video-split-"),
    );
    expect(left).toEqual([]);
  });
});
