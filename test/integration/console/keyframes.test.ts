import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS, readKeyframes } from "../../../infra/console/keyframes/read-keyframes.ts";
import type { SourceObject } from "../../../infra/console/keyframes/source-object.ts";
import { ffmpeg, ffprobe, makeMedia } from "../../fixtures/media.ts";
import { sharedFolder } from "../../fixtures/temporary.ts";

const sourceOf = (content: Buffer, duration = Number.POSITIVE_INFINITY): SourceObject => ({
  bytes: content.length,
  duration,
  read: async (start, end) => content.subarray(start, end),
});

const read = (content: Buffer, limits = {}, duration?: number) =>
  readKeyframes(sourceOf(content, duration), new AbortController().signal, { ...LIMITS, ...limits });

/** Seconds from the first frame that is shown to each keyframe, of ffprobe. */
async function keyframesByFfprobe(path: string): Promise<number[]> {
  const entries = ["-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"];
  const lines = (await ffprobe("-select_streams", "v:0", ...entries, path)).split("\n");
  // "D": not shown, because an edit list begins later.
  const packets = lines.map((line) => line.split(",")).filter(([time = "", flags = ""]) => time && !/D/.test(flags));
  const first = Math.min(...packets.map(([time]) => Number(time)));
  const times = packets.flatMap(([time, flags]) => (flags?.startsWith("K") ? [Number(time) - first] : []));
  return [...new Set(times.map((time) => Math.round(time * 1_000) / 1_000))];
}

let folder: string;
let bFrames: string;
beforeAll(async () => {
  folder = await sharedFolder();
  bFrames = await makeMedia(folder, "b-frames.mp4");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The B-frames file, copied with options in front of and behind the input. */
async function copied(name: string, before: readonly string[], after: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await ffmpeg(...before, "-i", bFrames, "-c", "copy", ...after, path);
  return path;
}

describe("keyframes of a source with B-frames are those of ffprobe, from the first frame", () => {
  const cases = {
    "an MP4 that begins at 0": () => copied("plain.mp4", [], []),
    "an MP4 that begins at 1.5 s": () => copied("delayed.mp4", [], ["-output_ts_offset", "1.5"]),
    "an MP4 whose edit list begins between keyframes": () => copied("edited.mp4", ["-ss", "1.52"], []),
    "a fragmented MP4": () => copied("fragmented.mp4", [], ["-movflags", "frag_keyframe+empty_moov"]),
    "Matroska that begins at 1.5 s": () => copied("delayed.mkv", [], ["-output_ts_offset", "1.5"]),
    "a transport stream": () => copied("stream.ts", [], []),
  };
  it.each(Object.entries(cases))("%s", async (_, make) => {
    const path = await make();
    const expected = await keyframesByFfprobe(path);
    expect(expected.length).toBeGreaterThan(3);
    expect(await read(await readFile(path))).toEqual({ known: true, count: expected.length, times: expected });
  });
});

it("doesn't count what a cut off file's index lists after its end", async () => {
  expect(await read(await readFile(bFrames), {}, 2.5)).toEqual({ known: true, count: 3, times: [0, 1, 2] });
});

it("reads no more than its limit, and doesn't show a part of the list as all of it", async () => {
  const content = await readFile(bFrames);
  expect(await read(content, { bytes: content.length / 2 })).toEqual({
    known: false,
    why: "too much of the file would have to be read for them",
  });
});

/** The file with other 32-bit fields in its boxes: [box, offset from the box's name, value]. */
async function changed(...fields: readonly (readonly [string, number, number])[]): Promise<Buffer> {
  const content = await readFile(bFrames);
  for (const [box, offset, value] of fields) content.writeUInt32BE(value, content.indexOf(box, 0, "latin1") + offset);
  return content;
}

const MANY = 0xffff_ffff;
const FREE = Buffer.from("free").readUInt32BE();

it("an index that states billions of frames neither crashes nor stops this process", async () => {
  const tooLarge = await changed(["stts", 12, MANY]);
  expect(await read(tooLarge, { heapMegabytes: 32 })).toEqual({
    known: false,
    why: "the file's index is damaged, or takes too much memory",
  });
  const endless = await changed(["stts", 12, MANY], ["ctts", 0, FREE], ["stss", 0, FREE], ["stsz", 8, 10]);
  endless.writeUInt32BE(MANY, endless.indexOf("stsz", 0, "latin1") + 12);
  expect(await read(endless, { milliseconds: 500 })).toEqual({ known: false, why: "reading them takes too long" });
});
