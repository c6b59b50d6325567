import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { createEvent, segmentIds } from "#events-schema";
import { makeMedia, videoPackets } from "../fixtures/media.ts";
import { openTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

const listKeys = async ({ s3, stack }: TestStack) =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: stack.names.segments }))).Contents ?? []).map(({ Key }) => Key!);

async function download({ s3, stack }: TestStack, keys: string[]): Promise<string[]> {
  const folder = await temporaryFolder();
  const files: string[] = [];
  for (const [index, Key] of keys.entries()) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: stack.names.segments, Key }));
    const file = join(folder, `${index}.${Key.split(".").at(-1)}`);
    await writeFile(file, await Body!.transformToByteArray());
    files.push(file);
  }
  return files;
}

const request = (data: Record<string, unknown>) => {
  const metadata = {
    eventId: crypto.randomUUID(),
    version: 1,
    correlationId: "c",
    causationId: "c",
    occurredAt: new Date().toISOString(),
  };
  const { source, detailType, detail } = createEvent("SplitRequested", data as never, metadata);
  return { Source: source, DetailType: detailType, Detail: JSON.stringify(detail) };
};

describe("an uploaded video", () => {
  it("is there as segments, announced as events and described by documents", async () => {
    const test = await openTestStack({ values: { "video_split.output_files_duration_in_sec": 2 } });
    const source = await makeMedia(await temporaryFolder(), "b-frames.mp4");

    await test.upload(source, { key: "uploads/a b+c%20(1) ü.mp4" });

    const events = await test.ourEvents();
    expect(events.map(({ type }) => type).sort()).toEqual([
      "SegmentCreated",
      "SegmentCreated",
      "SegmentCreated",
      "SplitPlanned",
      "VideoSplit",
    ]);
    expect(events.at(0)?.type).toBe("SplitPlanned");
    expect(events.at(-1)?.type).toBe("VideoSplit");
    expect(new Set(events.map(({ metadata }) => metadata.correlationId)).size).toBe(1);

    const [video, ...segments] = await test.allDocuments();
    const VideoId = video!.VideoId as number;
    expect(video).toMatchObject({
      process_step: "upload",
      status: "split",
      bucket: "video-split-uploads",
      key: "uploads/a b+c%20(1) ü.mp4",
      name: "a b+c%20(1) ü",
      extension: "mp4",
      size: [160, 90],
      fps: 25,
      duration: 6,
      audio: true,
      sub_videos: segmentIds(VideoId, 3),
    });
    expect(
      segments.map(({ VideoId: id, start, end, frames, parent_video, process_step }) => ({
        id,
        start,
        end,
        frames,
        parent_video,
        process_step,
      })),
    ).toEqual(
      [0, 1, 2].map((index) => ({
        id: VideoId + 1 + index,
        start: index * 2,
        end: index * 2 + 2,
        frames: 50,
        parent_video: VideoId,
        process_step: "timesplit",
      })),
    );

    const keys = await listKeys(test);
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
    const test = await openTestStack({ values: { "video_split.output_files_duration_in_sec": 2 } });
    await test.upload(await makeMedia(await temporaryFolder(), "no-audio.mp4"));

    const directives = { CloudWatchMetrics: [{ Namespace: "VideoSplit", Dimensions: [["service"]] }] };
    const [split, ...projected] = ["split", "projector"].flatMap((functionName) =>
      test.logs.filter((line) => line.functionName === functionName && "_aws" in line),
    );
    const [video] = await test.allDocuments();
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
    expect(test.logs.filter(({ text }) => text !== undefined)).toEqual([]);
  });

  it("delivered three times at once makes one set of documents and objects, and no dead letter", async () => {
    const test = await openTestStack({ values: { "video_split.output_files_duration_in_sec": 2 } });
    await test.upload(await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4"), { key: "elsewhere/x.mp4" });
    const copy = new CopyObjectCommand({
      Bucket: test.stack.names.uploads,
      Key: "uploads/x.mp4",
      CopySource: `${test.stack.names.uploads}/elsewhere/x.mp4`,
    });
    await test.s3.send(copy);
    const [event] = (await test.busEvents("default")).slice(-1);
    await test.stack.bridge.put("default", [
      { ...event!, id: crypto.randomUUID() },
      { ...event!, id: crypto.randomUUID() },
    ]);
    await test.stack.idle();

    expect((await test.ourEvents()).map(({ type }) => type).sort()).toEqual([
      "SegmentCreated",
      "SegmentCreated",
      "SegmentCreated",
      "SplitPlanned",
      "VideoSplit",
    ]);
    expect(await test.allDocuments()).toHaveLength(4);
    expect(await listKeys(test)).toHaveLength(3);
    expect(await test.deadLetters()).toEqual([]);

    const before = await test.allDocuments();
    await test.stack.bridge.put("default", [{ ...event!, id: crypto.randomUUID() }]);
    await test.stack.idle();
    expect(await test.allDocuments()).toEqual(before);
    const counted = test.logs.map(({ VideosSplit, DuplicateDeliveries }) => ({ VideosSplit, DuplicateDeliveries }));
    expect(counted.filter(({ VideosSplit }) => VideosSplit === 1)).toHaveLength(1);
    expect(counted.filter(({ DuplicateDeliveries }) => DuplicateDeliveries === 1)).toHaveLength(3);
  });

  it("is told from others by its whole key, taken whatever the case of its ending, and cut as its own metadata asks", {
    tags: "full",
  }, async () => {
    const test = await openTestStack();
    const folder = await temporaryFolder();
    const source = await makeMedia(folder, "no-audio.mp4");
    await test.upload(source, { key: "uploads/monday/film.mp4" });
    await test.upload(source, { key: "uploads/tuesday/film.mp4", metadata: { "segment-seconds": "3" } });
    expect(new Set(await listKeys(test)).size).toBe(3);
    expect((await test.allDocuments()).flatMap(({ end }) => end ?? []).sort()).toEqual([3, 6, 6]);

    const before = (await test.ourEvents()).length;
    await copyFile(source, join(folder, "NOTES.TXT"));
    await test.upload(source, { key: "uploads/FILM.MP4" });
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
    const test = await openTestStack();
    const folder = await temporaryFolder();
    const files = { EmptyObject: "", NotMedia: "this is no video at all, whatever its name says" };
    for (const [reason, text] of Object.entries(files)) {
      await writeFile(join(folder, `${reason}.mp4`), text);
      await test.upload(join(folder, `${reason}.mp4`));
    }
    await test.upload(await makeMedia(folder, "audio-only.mp4"), { key: "uploads/NoVideoStream.mp4" });
    const reasons = [...Object.keys(files), "NoVideoStream"];
    expect(
      (await test.ourEvents()).map(({ type, data }) => [type, "rejection" in data && data.rejection.reason]),
    ).toEqual(reasons.map((reason) => ["VideoRejected", reason]));
    const documents = await test.allDocuments();
    expect(documents).toHaveLength(reasons.length);
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
    const test = await openTestStack();
    const source = await makeMedia(await temporaryFolder(), "no-audio.mp4");
    await test.upload(source, { metadata: { "segment-seconds": "soon" } });
    expect(await test.allDocuments()).toMatchObject([{ status: "rejected", rejection: { reason: "InvalidOverride" } }]);
    await test.upload(source, { metadata: { "segment-seconds": "2" } });
    expect((await test.allDocuments())[0]).toMatchObject({ status: "split" });
    expect((await test.allDocuments())[0]).not.toHaveProperty("rejection");
    expect(await test.allDocuments()).toHaveLength(4);
  });

  it("UnreadableMedia never: a mix that its container can't be written with goes into the next one", {
    tags: "full",
  }, async () => {
    const test = await openTestStack({ values: { "video_split.output_files_duration_in_sec": 2 } });
    const folder = await temporaryFolder();
    const source = await makeMedia(folder, "pcm-audio.mov");
    await copyFile(source, join(folder, "named.mp4"));
    await test.upload(join(folder, "named.mp4"));
    expect((await test.allDocuments())[0]).toMatchObject({ status: "split" });
    expect(await listKeys(test)).toHaveLength(3);
  });
});

describe("what is none of its business is left alone", () => {
  it("its own output, even when somebody copies it into the uploads", async () => {
    const test = await openTestStack();
    await test.upload(await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    const [segment] = await listKeys(test);
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
    const test = await openTestStack();
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
    await test.events.send(
      new PutEventsCommand({ Entries: [{ EventBusName: test.stack.names.bus, ...request(data) }] }),
    );
    await test.stack.idle();
    const [video] = await test.allDocuments();
    expect(video).toMatchObject({
      status: "split",
      name: "old film",
      sub_videos: segmentIds(video!.VideoId as number, 2),
    });
    expect(await listKeys(test)).toEqual(
      [0, 1].map((n) => `again/${video!.VideoId}/old film-${video!.VideoId}-0000${n}.mkv`),
    );
  });

  it("for an object that isn't there is rejected as SourceNotFound", { tags: "full" }, async () => {
    const test = await openTestStack();
    const data = { bucket: test.stack.names.uploads, key: "nowhere.mp4", reason: "manual" };
    await test.events.send(
      new PutEventsCommand({ Entries: [{ EventBusName: test.stack.names.bus, ...request(data) }] }),
    );
    await test.stack.idle();
    expect(await test.allDocuments()).toMatchObject([{ status: "rejected", rejection: { reason: "SourceNotFound" } }]);
  });
});

describe("after a run", () => {
  it("nothing is left in the function's temporary folder", { tags: "full" }, async () => {
    const directory = await temporaryFolder();
    const test = await openTestStack({ directory, values: { "video_split.output_files_duration_in_sec": 2 } });
    const noise = join(await temporaryFolder(), "noise.mp4");
    await writeFile(noise, "noise");
    await test.upload(await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    await test.upload(noise);
    const left = (await readdir(join(directory, "lambda"), { recursive: true })).filter((path) =>
      path.includes("video-split-"),
    );
    expect(left).toEqual([]);
  });
});
