import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHILD_ENVIRONMENT } from "../../../services/ffmpeg/process/sandbox.ts";
import { type CutOptions, cutFile } from "../../fixtures/cut.ts";
import { binaries, decodedFrames, ffmpeg } from "../../fixtures/media.ts";
import { ffmpegAfter } from "../../fixtures/stand-in.ts";

/** Segments that begin between two keyframes with a few encoded frames. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-anchored-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FRAMES = 150;
const KEYFRAME = 75;
/** Of the second segment, which begins in the first group of pictures. */
const BEGIN = 50;

/** 6 seconds with keyframes at 0 and 3, whose coded size is larger than the displayed one. */
async function makeSource(name: string, ...options: string[]): Promise<string> {
  const path = join(folder, name);
  const picture = "testsrc2=duration=6:size=162x90:rate=25,noise=alls=6:allf=t";
  const inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=6"];
  const groups = ["-g", String(KEYFRAME), "-keyint_min", String(KEYFRAME), "-sc_threshold", "0", "-threads", "1"];
  const x264 = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "medium", ...groups];
  await ffmpeg(...inputs, ...x264, "-c:a", "aac", ...options, path);
  return path;
}

async function cut(path: string, options: Partial<CutOptions> = {}) {
  const directory = join(folder, `segments-of-${path.split("/").at(-1)}-${Object.keys(options).join("-")}`);
  await mkdir(directory);
  return cutFile(path, { cut: "exact", segmentSeconds: 2, directory, boundary: "anchored", ...options });
}

/** What ffmpeg's decoder reports about a file. */
async function complaints(path: string): Promise<string> {
  const args = ["-nostdin", "-v", "warning", "-i", path, "-map", "0:v:0", "-f", "null", "-"];
  const { stderr } = await promisify(execFile)((await binaries).ffmpeg, args, { env: CHILD_ENVIRONMENT });
  return stderr;
}

/** PSNR of each frame of a segment that begins with frame `from` of the source. dB. */
async function qualityOf(source: string, segment: string, from: number): Promise<number[]> {
  const stats = `${segment}.psnr`;
  const compare = `[0:v]trim=start_frame=${from},setpts=N/25/TB[a];[1:v]setpts=N/25/TB[b];[a][b]psnr=shortest=1:f=${stats}`;
  await ffmpeg("-i", source, "-i", segment, "-lavfi", compare, "-an", "-f", "null", "-");
  const lines = (await readFile(stats, "utf8")).matchAll(/psnr_avg:(\S+)/g);
  return [...lines].map(([, value]) => (value === "inf" ? Number.POSITIVE_INFINITY : Number(value)));
}

describe.each([
  ["b-frames.mp4", []],
  ["transport-stream.ts", []],
  ["p-frames.mov", ["-bf", "0"]],
  ["cavlc.mkv", ["-coder", "vlc", "-x264-params", "slices=3:direct=temporal"]],
] as const)("an anchored segment of %s", (name, options) => {
  const tags = name === "transport-stream.ts" ? [] : ["full"];
  it("has every frame at 45 dB or more, and those behind the next keyframe unchanged", { tags }, async () => {
    const source = await makeSource(name, ...options);
    const { segments, entries, warnings } = await cut(source);
    expect(warnings).toEqual([]);
    expect(segments.map(({ made }) => made).slice(1)).toEqual(["stitched", "encoded"]);
    const [, { path, proof } = { path: "", proof: undefined }] = segments;
    const [anchoring] = entries.filter(({ encoded }) => encoded !== undefined);
    expect(anchoring).toMatchObject({ segment: 1, frames: KEYFRAME - BEGIN });
    const { encoded } = anchoring as { encoded: number };
    expect(encoded).toBeLessThan((KEYFRAME - BEGIN) / 3);
    expect(proof).toMatchObject({ frames: 50, anchoredFrames: KEYFRAME - BEGIN - encoded });
    expect(proof!.leastPsnr).toBeGreaterThanOrEqual(45);

    const [all, made] = await decodedFrames(source, path);
    expect(made).toHaveLength(50);
    const copied = proof!.copiedFrames;
    expect(copied).toBeGreaterThan(15);
    expect(made!.slice(KEYFRAME - BEGIN, KEYFRAME - BEGIN + copied)).toEqual(all!.slice(KEYFRAME, KEYFRAME + copied));
    expect(await complaints(path)).toBe("");
    const quality = await qualityOf(source, path, BEGIN);
    expect(quality).toHaveLength(50);
    expect(Math.min(...quality)).toBeGreaterThanOrEqual(45);
    // The proof's figure is of some frames, and of all of their planes, as this one.
    expect(proof!.leastPsnr).toBeGreaterThanOrEqual(Math.min(...quality) - 0.1);
    expect(segments.reduce((sum, segment) => sum + segment.proof.frames, 0)).toBe(FRAMES);
  });
});

it("a segment has the same bytes whether or not the next one is made, whose head is anchored beside its tail", async () => {
  const source = await makeSource("ranges.mp4");
  const [all, first] = [await cut(source), await cut(source, { last: 0 })];
  expect(all.segments[0]!.made).toBe("stitched");
  expect(all.segments[1]!.proof.anchoredFrames).toBeGreaterThan(0);
  expect(await readFile(first.files[0]!)).toEqual(await readFile(all.files[0]!));
});

it("encodes all frames up to the next keyframe where that is requested", { tags: ["full"] }, async () => {
  const { segments } = await cut(await makeSource("encoded.mp4"), { boundary: "encoded" });
  expect(segments.map(({ proof }) => proof.anchoredFrames)).toEqual([undefined, undefined, undefined]);
});

it("stitches a boundary whose copied frames drift too far", async () => {
  const source = await makeSource("coarse.mp4");
  // Anchors have a quantiser of 8, which no other option has.
  const coarse = [
    'n=$#; last=""',
    'while [ $n -gt 0 ]; do word="$1"; shift; n=$((n - 1))',
    '[ "$last $word" = "-qp 8" ] && word=44',
    'last="$word"; set -- "$@" "$word"; done',
  ].join("\n");
  const standIn = await ffmpegAfter(folder, coarse, "coarse-anchors");
  const { segments, warnings } = await cut(source, { standIn });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/Stitching with fewer anchors.*"from_segment":1.*drifted to \d\d\.\d dB/);
  expect(segments.map(({ made }) => made)).toEqual(["stitched", "stitched", "encoded"]);
  expect(segments[1]!.proof).not.toHaveProperty("anchoredFrames");
});
