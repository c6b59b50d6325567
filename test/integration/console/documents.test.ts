import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Documents, documentOf, placesOf, segmentsOf, videosOf } from "../../../infra/console/api/documents.ts";
import { openVideosTable, TABLE, type VideosTable } from "../projector/videos-table.ts";

let table: VideosTable;
let documents: Documents;

const VIDEO = 1_000;
const SEGMENTS = 5;

const upload = { process_step: "upload", status: "split", bucket: "u", key: "uploads/a.mp4", sub_videos: [1, 2] };

beforeAll(async () => {
  table = await openVideosTable();
  documents = { client: table.client, table: TABLE };
  const put = (Item: Record<string, unknown>) => table.client.send(new PutCommand({ TableName: TABLE, Item }));
  await put({ VideoId: VIDEO, ...upload });
  await put({ VideoId: VIDEO * 2, ...upload, key: "uploads/b.mp4" });
  await put({ VideoId: VIDEO * 3, note: "somebody else's, before any event came" });
  for (let index = 0; index < SEGMENTS; index += 1) {
    const place = { bucket: "s", key: `segments/${index}.mp4` };
    const poster = index === 1 ? { poster: { bucket: "s", key: "segments/1.jpg", size: [640, 360] } } : {};
    const segment = {
      VideoId: VIDEO + 1 + index,
      process_step: "timesplit",
      parent_video: VIDEO,
      segment_index: index,
    };
    await put({ ...segment, ...place, ...poster, checksum: "sha256:0" });
  }
});
afterAll(() => table.close());

it("reads uploads in the requested order, without the list of their segments", async () => {
  const found = await videosOf(documents, [VIDEO * 2, 7, VIDEO * 3, VIDEO]);
  expect(found.map(({ VideoId }) => VideoId)).toEqual([VIDEO * 2, VIDEO]);
  expect(found[0]).not.toHaveProperty("sub_videos");
  expect(await documentOf(documents, VIDEO)).toMatchObject({ sub_videos: [1, 2] });
  expect(await videosOf(documents, [])).toEqual([]);
});

it("pages the segments of a video by their index", async () => {
  const indexes = async (from: number, limit: number) => {
    const { segments, more } = await segmentsOf(documents, VIDEO, { from, limit });
    return [segments.map(({ segment_index }) => segment_index), more];
  };
  expect(await indexes(0, 2)).toEqual([[0, 1], true]);
  expect(await indexes(2, 3)).toEqual([[2, 3, 4], false]);
  expect(await indexes(5, 3)).toEqual([[], false]);
});

it("finds where the objects of documents are, and their posters", async () => {
  const places = await placesOf(documents, [VIDEO + 1, VIDEO + 2, VIDEO * 3, 7]);
  expect(Object.fromEntries(places)).toEqual({
    [VIDEO + 1]: { media: { bucket: "s", key: "segments/0.mp4" }, poster: undefined },
    [VIDEO + 2]: { media: { bucket: "s", key: "segments/1.mp4" }, poster: { bucket: "s", key: "segments/1.jpg" } },
  });
});
