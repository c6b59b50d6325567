import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patchMetadata } from "../../../services/ffmpeg/formats/patch-metadata.ts";
import { type CutOptions, cutFile } from "../../fixtures/cut.ts";
import { ffmpeg, ffprobe } from "../../fixtures/media.ts";

/** Metadata of a file: creation time, location, device and rotation. */

const CREATED = "2021-06-05T04:03:02.000000Z";
const PLACE = "+48.8789+002.3376+048.928/";
const QUICKTIME_PLACE = "com.apple.quicktime.location.ISO6709";

/** Mirrored and rotated by 90 degrees: no version of ffmpeg has an option for it. */
const MATRIX = [0, 65_536, 0, 65_536, 0, 0, 0, 0, 2 ** 30];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-metadata-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type ProbedFile = {
  format: { tags?: Record<string, string> };
  streams: {
    width: number;
    height: number;
    tags?: Record<string, string>;
    side_data_list?: { displaymatrix?: string }[];
  }[];
};

async function metadataOf(path: string): Promise<ProbedFile> {
  return JSON.parse(await ffprobe("-show_format", "-show_streams", "-of", "json", path)) as ProbedFile;
}

const tagOf = ({ format }: ProbedFile, name: string): string | undefined =>
  Object.entries(format.tags ?? {}).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

/** 3 seconds of video, cut at 1 and 2: a segment has more than the 64 KB in which Matroska's date is sought. */
async function makeSource(name: string, ...options: string[]): Promise<string> {
  const path = join(folder, name);
  const picture = "testsrc2=duration=3:size=160x90:rate=25,noise=alls=60:allf=t,format=yuv420p";
  const video = ["-f", "lavfi", "-i", picture];
  const tags = [
    "-metadata",
    `creation_time=${CREATED}`,
    "-metadata",
    `location=${PLACE}`,
    "-metadata",
    "title=A B = C",
  ];
  await ffmpeg(...video, ...options, ...tags, "-metadata", "timecode=01:00:00:00", path);
  return path;
}

let runs = 0;
async function cut(path: string, options: Pick<CutOptions, "cut">) {
  runs += 1;
  const directory = join(folder, `run-${runs}`);
  await mkdir(directory);
  const { segments } = await cutFile(path, { ...options, segmentSeconds: 1, directory });
  return segments;
}

const GROUPS = (frames: number) => [
  "-c:v",
  "libx264",
  "-preset",
  "ultrafast",
  "-g",
  String(frames),
  "-sc_threshold",
  "0",
];
const QUICKTIME = ["-metadata", `${QUICKTIME_PLACE}=${PLACE}`, "-movflags", "use_metadata_tags"];

describe.each([
  ["copied by the segment muxer", "keyframe", "copied.mov", GROUPS(25), "copied"],
  ["copied by the exact cut", "exact", "whole.mov", GROUPS(25), "copied"],
  ["stitched", "exact", "stitched.mov", GROUPS(40), "stitched"],
  ["encoded whole", "exact", "encoded.mov", ["-c:v", "mpeg4", "-q:v", "2", "-g", "40"], "encoded"],
  ["in MP4", "keyframe", "copied.mp4", GROUPS(25), "copied"],
  ["in Matroska", "keyframe", "copied.mkv", GROUPS(25), "copied"],
  ["in Matroska, stitched", "exact", "stitched.mkv", GROUPS(40), "stitched"],
] as const)("segments that are %s", (_, kind, name, codec, made) => {
  const isIso = !name.endsWith(".mkv");
  const tags = ["stitched.mov", "copied.mkv"].includes(name) ? [] : ["full"];

  it("have their own creation time, and the source's location and rotation", { tags }, async () => {
    const path = await makeSource(name, ...codec, ...(isIso ? QUICKTIME : []));
    if (isIso)
      await patchMetadata(
        path,
        { muxer: "mov", extension: "mov", contentType: "" },
        { created: undefined, displayMatrix: MATRIX },
      );
    const segments = await cut(path, { cut: kind });
    expect(segments.map((segment) => segment.made)).toContain(made);
    expect(segments).toHaveLength(3);

    const metadata = await Promise.all(segments.map((segment) => metadataOf(segment.path)));
    const second = (at: number) => `2021-06-05T04:03:0${2 + at}.000000Z`;
    expect(metadata.map((one) => tagOf(one, "creation_time"))).toEqual([second(0), second(1), second(2)]);
    for (const one of metadata) {
      expect(tagOf(one, "title")).toBe("A B = C");
      expect(tagOf(one, isIso ? QUICKTIME_PLACE : "location")).toBe(PLACE);
      // The source's first timecode would be wrong in all segments but the first.
      expect(
        one.streams
          .map(({ tags }) => tags?.timecode)
          .concat(tagOf(one, "timecode"))
          .filter(Boolean),
      ).toEqual([]);
      expect(one.streams).toMatchObject([{ width: 160, height: 90 }]);
      if (!isIso) continue;
      const { displaymatrix } = one.streams[0]!.side_data_list![0]!;
      const numbers = displaymatrix!
        .split("\n")
        .flatMap((row) => row.split(":")[1]?.trim().split(/\s+/).map(Number) ?? []);
      expect(numbers).toEqual(MATRIX);
    }

    const again = await cut(path, { cut: kind });
    for (const [at, segment] of segments.entries())
      expect((await readFile(segment.path)).equals(await readFile(again[at]!.path))).toBe(true);
  });
});

it("sets the time of the tracks too, and updates a Matroska file's checksum", async () => {
  const path = await makeSource("checked.mkv", ...GROUPS(25));
  const [, segment] = await cut(path, { cut: "keyframe" });
  const { stderr } = await checked(segment!.path);
  expect(stderr).toBe("");
  const movie = await makeSource("checked.mp4", ...GROUPS(25));
  const [, second] = await cut(movie, { cut: "keyframe" });
  expect((await metadataOf(second!.path)).streams[0]!.tags!.creation_time).toBe("2021-06-05T04:03:03.000000Z");
});

/** ffmpeg's demuxer reports a wrong checksum. */
async function checked(path: string): Promise<{ stderr: string }> {
  try {
    await ffmpeg("-err_detect", "crccheck+explode", "-i", path, "-c", "copy", "-f", "null", "-");
    return { stderr: "" };
  } catch (error) {
    return { stderr: String(error) };
  }
}
