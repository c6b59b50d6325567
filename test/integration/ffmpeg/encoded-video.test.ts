import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { psnr } from "../../independent/pixels.ts";

/** Re-encoded video keeps its properties: 45 dB, bit depth, chroma, codec, transparency. */

/** Promised for every frame in docs/promises.md. */
const MIN_DECIBELS = 45;

const FRAMES = 30;
/** Two segments. */
const SEGMENT_SECONDS = 0.6;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-encoded-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Noise has most bits. Little noise on moving pictures is what a filter of the decoder may remove. */
const NOISE = "noise=alls=40:allf=t+u";
const MOVING = "scroll=h=0.01:v=0.005,noise=alls=4:allf=t";

async function makeSource(name: string, filters: string, ...options: string[]): Promise<string> {
  const path = join(folder, name);
  const video = `testsrc2=size=${WIDTH}x${HEIGHT}:rate=25,${filters}`;
  await ffmpeg("-f", "lavfi", "-i", video, "-frames:v", String(FRAMES), ...options, path);
  return path;
}

async function cut(path: string) {
  const directory = `${path}-segments`;
  await mkdir(directory);
  return cutFile(path, { cut: "exact", segmentSeconds: SEGMENT_SECONDS, directory });
}

const [WIDTH, HEIGHT] = [96, 64];

/** The decoded frames of a file, as bytes. */
async function amrFramesOf(path: string, pixelFormat: string, decoder: readonly string[]): Promise<Uint8Array[]> {
  const raw = `${path}.raw`;
  const output = ["-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", pixelFormat, raw];
  await ffmpeg(...decoder, "-i", path, "-map", "0:v:0", ...output);
  const bytes = await readFile(raw);
  const samples = WIDTH * HEIGHT * SAMPLES_PER_PIXEL[pixelFormat]!;
  const size = samples * (pixelFormat.endsWith("10le") ? 2 : 1);
  return Array.from(
    { length: bytes.length / size },
    (_, at) => new Uint8Array(bytes.subarray(at * size, (at + 1) * size)),
  );
}

const SAMPLES_PER_PIXEL: Readonly<Record<string, number>> = {
  ...{ yuv420p: 1.5, yuv420p10le: 1.5, yuv422p: 2, yuv422p10le: 2, yuva420p: 2.5 },
};

/** PSNR of each frame of the segments against the source's, over all planes. */
async function decibels(source: string, segments: readonly string[], pixelFormat: string, decoder: string[] = []) {
  const depth = pixelFormat.endsWith("10le") ? 10 : 8;
  const theirs = await amrFramesOf(source, pixelFormat, decoder);
  const mine = (await Promise.all(segments.map((path) => amrFramesOf(path, pixelFormat, decoder)))).flat();
  expect(mine).toHaveLength(theirs.length);
  return mine.map((frame, at) => psnr(frame, theirs[at]!, depth));
}

const streamOf = async (path: string, fields: string): Promise<string> => {
  const entries = ["-select_streams", "v:0", "-show_entries", `stream=${fields}`, "-of", "csv=p=0"];
  return (await ffprobe(...entries, path)).split(/[\n,]/)[0]!;
};

const ONE_GROUP = ["-g", "250", "-bf", "0"];
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-sc_threshold", "0", ...ONE_GROUP, "-crf", "20"];
const X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=250:bframes=0"];
const VPX = [
  "-deadline",
  "realtime",
  "-cpu-used",
  "8",
  ...ONE_GROUP,
  "-b:v",
  "4M",
  "-auto-alt-ref",
  "0",
  "-lag-in-frames",
  "0",
];
const AV1 = ["-c:v", "libaom-av1", "-strict", "-2", "-cpu-used", "8", ...ONE_GROUP, "-lag-in-frames", "0"];

describe.each([
  ["h264.mp4", "yuv420p", X264],
  ["h264-10.mp4", "yuv420p10le", X264],
  ["h264-422.mp4", "yuv422p", X264],
  ["interlaced.mp4", "yuv420p", [...X264, "-flags", "+ilme+ildct", "-x264-params", "tff=1"]],
  ["hevc-10.mp4", "yuv420p10le", X265],
  ["mpeg2.ts", "yuv420p", ["-c:v", "mpeg2video", "-q:v", "4", ...ONE_GROUP]],
  ["mpeg4.mp4", "yuv420p", ["-c:v", "mpeg4", "-q:v", "4", ...ONE_GROUP]],
  ["vp8.webm", "yuv420p", ["-c:v", "libvpx", ...VPX]],
  ["vp9.webm", "yuv420p", ["-c:v", "libvpx-vp9", ...VPX]],
  ["ffv1.mkv", "yuv422p10le", ["-c:v", "ffv1", "-g", "250"]],
  ["av1.mp4", "yuv420p10le", [...AV1, "-b:v", "2M"]],
] as const)("%s, encoded again", (name, pixelFormat, codec) => {
  const tags = ["h264.mp4", "mpeg2.ts", "vp9.webm"].includes(name) ? [] : ["full"];
  it.each([NOISE, MOVING])(
    `of %s: has ${MIN_DECIBELS} dB on every frame, and keeps the pixel format`,
    {
      tags,
    },
    async (content) => {
      const source = await makeSource(`${content.slice(0, 5)}-${name}`, content, "-pix_fmt", pixelFormat, ...codec);
      const { segments } = await cut(source);
      expect(segments.at(-1)!.made).toBe("encoded");
      const paths = segments.map(({ path }) => path);
      for (const path of paths) expect(await streamOf(path, "pix_fmt")).toBe(pixelFormat);
      const values = await decibels(source, paths, pixelFormat);
      expect(values).toHaveLength(FRAMES);
      expect(Math.min(...values)).toBeGreaterThan(MIN_DECIBELS);
    },
  );
});

describe.each([
  ["vp8-alpha.webm", "libvpx"],
  ["vp9-alpha.webm", "libvpx-vp9"],
] as const)("%s, encoded again", (name, codec) => {
  it("keeps its transparency", { tags: codec === "libvpx" ? ["full"] : [] }, async () => {
    const source = await makeSource(name, `${NOISE},format=yuva420p,geq=lum='lum(X,Y)':a='X'`, "-c:v", codec, ...VPX);
    const { segments } = await cut(source);
    expect(segments.map(({ made }) => made)).toEqual(["encoded", "encoded"]);
    const paths = segments.map(({ path }) => path);
    const values = await decibels(source, paths, "yuva420p", ["-c:v", codec]);
    expect(values).toHaveLength(FRAMES);
    expect(Math.min(...values)).toBeGreaterThan(MIN_DECIBELS);
    for (const path of paths)
      expect(await ffprobe("-show_entries", "stream_tags=alpha_mode", "-of", "csv=p=0", path)).toContain("1");
  });
});

it("a track that is declared transparent and has no transparent frame stays opaque", async () => {
  const source = await makeSource("said.webm", NOISE, "-c:v", "libvpx-vp9", ...VPX, "-metadata:s:v", "alpha_mode=1");
  const paths = (await cut(source)).segments.map(({ path }) => path);
  // As BlockAdditions.
  for (const path of paths) expect(await ffprobe("-show_packets", path)).not.toContain("BlockAdditional");
});

it("rejects transparency that no encoder keeps, before making a segment", async () => {
  const source = await makeSource("alpha.mov", NOISE, "-c:v", "qtrle", "-pix_fmt", "argb", "-g", "250");
  const failure = cut(source);
  await expect(failure).rejects.toMatchObject({ code: "CutFailed", reason: "UnsupportedCut" });
  await expect(failure).rejects.toThrow("transparency");
});
