import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { decodedFrames, ffmpeg, ffprobe } from "../../fixtures/media.ts";

/**
 * Requirements of players for stitched and encoded HEVC: parameter sets where the sample entry
 * allows them, and HDR metadata.
 */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-hevc-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const MASTERED = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,500)";
const HDR = `repeat-headers=1:master-display=${MASTERED}:max-cll=1000,400`;
const PQ = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-color_range", "tv"];

/** 3 seconds in 10 bits with a keyframe at 1.6 only, cut at 1 and 2. */
async function makeSource(name: string, ...options: string[]): Promise<string> {
  const path = join(folder, name);
  const video = ["-f", "lavfi", "-i", "testsrc2=duration=3:size=160x90:rate=25", "-pix_fmt", "yuv420p10le"];
  const x265 = `log-level=error:keyint=40:min-keyint=40:scenecut=0:open-gop=0:${HDR}`;
  await ffmpeg(...video, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", x265, ...PQ, ...options, path);
  return path;
}

type Frames = { frames: { side_data_list?: { side_data_type: string }[] }[] };

async function sideDataOf(path: string): Promise<Set<string>[]> {
  const entries = ["-select_streams", "v:0", "-show_frames", "-show_entries", "frame_side_data", "-of", "json"];
  const { frames } = JSON.parse(await ffprobe(...entries, path)) as Frames;
  return frames.map(({ side_data_list = [] }) => new Set(side_data_list.map((data) => data.side_data_type)));
}

const fieldOf = async (path: string, field: string): Promise<string> =>
  (await ffprobe("-select_streams", "v:0", "-show_entries", `stream=${field}`, "-of", "csv=p=0", path)).split("\n")[0]!;

async function cut(path: string) {
  const directory = `${path}-segments`;
  await mkdir(directory);
  return cutFile(path, { cut: "exact", segmentSeconds: 1, directory });
}

describe.each([
  ["hvc1.mp4", ["-tag:v", "hvc1"], "hvc1"],
  ["hev1.mov", ["-tag:v", "hev1"], "hev1"],
  ["stitched.mkv", [], undefined],
  ["stitched.ts", [], undefined],
] as const)("stitched segments of %s", (name, options, tag) => {
  const tags = name === "hvc1.mp4" ? [] : ["full"];
  it("decode with the sample entry's parameter sets alone, and keep HDR metadata on every frame", {
    tags,
  }, async () => {
    const { segments } = await cut(await makeSource(name, ...options));
    expect(segments.map(({ made }) => made)).toEqual(["copied", "stitched", "encoded"]);
    for (const { path } of segments) {
      if (tag !== undefined) expect(await fieldOf(path, "codec_tag_string")).toBe(tag);
      expect(await fieldOf(path, "pix_fmt")).toBe("yuv420p10le");
      const sideData = await sideDataOf(path);
      expect(sideData).toHaveLength(25);
      for (const data of sideData) {
        expect(data).toContain("Mastering display metadata");
        expect(data).toContain("Content light level metadata");
      }
      if (tag === undefined) continue;
      const bare = `${path}.nut`;
      await ffmpeg("-i", path, "-c", "copy", "-bsf:v", "filter_units=remove_types=32-34", bare);
      const [withoutHeaders, whole] = await decodedFrames(bare, path);
      expect(withoutHeaders).toEqual(whole);
    }
  });
});
