import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EventData } from "#events-schema";
import { ffmpeg } from "../../fixtures/media.ts";
import { sharedFolder } from "../../fixtures/temporary.ts";
import { check } from "../../independent/check.ts";
import type { Produced } from "../../independent/report.ts";
import { openSource, type Source } from "../../independent/source.ts";

/**
 * The check itself: segments that ffmpeg's segment muxer makes of Matroska are right, and each kind
 * of fault is found.
 */

const FRAMES = 32;
const SECONDS = FRAMES / 25;
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", String(FRAMES), "-keyint_min", String(FRAMES)];
const BT709 = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"];
const LOSSLESS_AUDIO = ["-c:a", "pcm_s16le"];

let folder: string;
let source: Source;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  const video = ["-f", "lavfi", "-i", `testsrc2=duration=${2 * SECONDS}:size=160x90:rate=25`];
  const audio = [
    "-f",
    "lavfi",
    "-i",
    `anoisesrc=duration=${2 * SECONDS}:color=pink:sample_rate=48000:seed=1:amplitude=0.3`,
  ];
  const codecs = [...X264, "-sc_threshold", "0", "-pix_fmt", "yuv420p", ...BT709, ...LOSSLESS_AUDIO];
  await ffmpeg(...video, ...audio, ...codecs, at("source.mkv"));
  const cut = ["-f", "segment", "-segment_times", String(SECONDS), "-reset_timestamps", "1"];
  await ffmpeg("-i", at("source.mkv"), "-map", "0", "-c", "copy", ...cut, at("%d.mkv"));
  source = await openSource(at("source.mkv"), at("decoded"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

type Created = EventData<"SegmentCreated">;

const properties = {
  ...{ size: [160, 90] as [number, number], fps: 25, audio: true, video_codec: "h264", audio_codecs: ["pcm_s16le"] },
  ...{ bucket: "segments", name: "film", extension: "mkv" },
};

async function created(index: number, path: string, changes: Partial<Created>): Promise<Created> {
  const place = { start: index * SECONDS, end: (index + 1) * SECONDS, duration: SECONDS, frames: FRAMES };
  const requested = { requested_start: place.start, requested_end: place.end };
  const ids = { VideoId: 16_385 + index, parent_video: 16_384, segment_index: index, key: basename(path) };
  const { size: bytes } = await stat(path);
  return { ...properties, ...ids, ...place, ...requested, bytes, checksum: `sha256:${"0".repeat(64)}`, ...changes };
}

/** What a split is that made the two segments, the second of them `path`, and says that all is right. */
async function produced(path: string, changes: Partial<Created> = {}): Promise<Produced> {
  const paths = [at("0.mkv"), path];
  const whole = { duration: 2 * SECONDS, segment_count: 2, frames: 2 * FRAMES };
  const proof = { source_frames: 2 * FRAMES, segment_frames: 2 * FRAMES, undecodable_frames: 0, copied_frames: FRAMES };
  const largest = { max_boundary_deviation_ms: 0, max_frame_time_error_ms: 0, max_audio_offset_ms: 0 };
  const upload = {
    ...properties,
    VideoId: 16_384,
    key: "film.mkv",
    bytes: 1,
    cut: "exact" as const,
    segment_seconds: SECONDS,
  };
  return {
    outcome: "split",
    detail: "",
    planned: { ...upload, ...whole, omitted_tracks: [] },
    created: await Promise.all(paths.map((one, index) => created(index, one, index === 1 ? changes : {}))),
    ended: { ...upload, ...whole, proof: { ...proof, ...largest } },
    files: new Map(paths.map((one) => [basename(one), one])),
    left: [],
  };
}

/** The second segment, made again with these options. */
async function changedSegment(name: string, ...options: string[]): Promise<string> {
  const path = at(`${name}.mkv`);
  await ffmpeg("-i", at("1.mkv"), ...options, path);
  return path;
}

const faultsOf = async (path: string, changes: Partial<Created> = {}): Promise<string> =>
  (await check(source, await produced(path, changes))).faults.join("\n");

const PASSTHROUGH = ["-vsync", "passthrough"];
const ENCODED = [...X264, "-qp", "8", ...BT709];

describe("the independent check", { tags: "full", timeout: 120_000 }, () => {
  it("finds nothing in segments that are copied", async () => {
    const report = await check(source, await produced(at("1.mkv")));
    expect(report.faults).toEqual([]);
    expect(report.frames).toMatchObject({ source: 64, segments: 64, identical: 64, missing: 0, doubled: 0 });
    expect(report.psnr).toBeNull();
  });

  it("finds nothing in re-encoded segments, and measures their quality", async () => {
    const again = await check(source, await produced(await changedSegment("again", ...ENCODED, "-c:a", "copy")));
    expect(again.faults).toEqual([]);
    expect(again.psnr).toMatchObject({ compared: FRAMES, below: 0 });
  });

  it("finds 75 ms of audio that are missing at a boundary", async () => {
    const path = await changedSegment("hole", "-c:v", "copy", "-af", "atrim=start=0.075", ...LOSSLESS_AUDIO);
    expect(await faultsOf(path)).toMatch(
      /^audio track 1 \(pcm_s16le\): gaps of up to 7\d\.\d ms at 1 of 1 boundaries$/,
    );
  });

  it("finds audio that is late", async () => {
    const path = await changedSegment(
      "late",
      "-itsoffset",
      "0.03",
      "-i",
      at("1.mkv"),
      "-map",
      "0:v",
      "-map",
      "1:a",
      "-c",
      "copy",
    );
    expect(await faultsOf(path)).toMatch(/is (?:29|30)\.\d ms late/);
  });

  it("finds a dropped frame", async () => {
    const without = ["-vf", "select=not(eq(n\\,10))", ...PASSTHROUGH, ...ENCODED, "-c:a", "copy"];
    expect(await faultsOf(await changedSegment("dropped", ...without))).toContain("1 of 64 frames missing");
  });

  it("finds a frame that is also in the previous segment", async () => {
    const video = ["-vf", `trim=start_frame=${FRAMES - 1},setpts=PTS-STARTPTS`, ...X264, "-qp", "0", ...BT709];
    const audio = ["-af", `atrim=start=${SECONDS - 0.04},asetpts=PTS-STARTPTS`, ...LOSSLESS_AUDIO];
    await ffmpeg("-i", at("source.mkv"), ...video, ...audio, at("twice.mkv"));
    expect(await faultsOf(at("twice.mkv"))).toContain("1 duplicate frames");
  });

  it("finds another size", async () => {
    const faults = await faultsOf(await changedSegment("size", "-vf", "scale=192:108", ...ENCODED, "-c:a", "copy"));
    expect(faults).toContain("frame's size: 160x90 became 192x108 on 32 frames");
    expect(faults).toContain("size: says 160x90, is 192x108 (segments 1 of 2)");
  });

  it("finds a lost colour tag", async () => {
    const unknown = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown";
    const path = await changedSegment("colour", "-vf", unknown, ...X264, "-qp", "8", "-c:a", "copy");
    expect(await faultsOf(path)).toContain("video color_primaries: bt709 became unknown (segments 1 of 2)");
  });

  it("finds a frame that doesn't decode", async () => {
    const path = await changedSegment("damaged", "-c", "copy", "-bsf:v", "noise=amount=40");
    expect(await faultsOf(path)).toMatch(/frames (?:missing|below 45 dB)[\s\S]*the decoder reports/);
  });

  it("finds an event whose end, frames or frame rate isn't the file's", async () => {
    const faults = await faultsOf(at("1.mkv"), { end: 2.6, frames: 33, fps: 12.5 });
    expect(faults).toContain("end: says 2.6, is 2.56 (segments 1 of 2)");
    expect(faults).toContain("frames: says 33, 32 decode (segments 1 of 2)");
    expect(faults).toContain("fps: says 12.5, and frames / duration is 25.7813 (segments 1 of 2)");
  });

  it("calls a rejection of what decodes wrong, and one of what doesn't right", async () => {
    const rejected = { ...(await produced(at("1.mkv"))), outcome: "rejected", detail: "NotMedia: no" } as const;
    expect((await check(source, rejected)).faults).toEqual([
      "rejected though 64 frames decode (after 2 SegmentCreated): NotMedia: no",
    ]);
    expect((await check({ ...source, shown: undefined }, rejected)).faults).toEqual([]);
  });
});
