import { existsSync, readdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Proof } from "#events-schema";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { ffprobe } from "../fixtures/media.ts";
import { openTestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** Real videos, chosen for their traits. A fresh clone hasn't got them. */
const MEDIA = join(PROJECT_ROOT, "..", "shared", "media");
const there = existsSync(MEDIA);
const files = there ? readdirSync(MEDIA).filter((name) => !name.endsWith(".tsv")) : [];

const REJECTED: Record<string, string> = {
  "derived__bbb480_truncated_2MB.mp4": "NotMedia",
  "derived__empty.mp4": "EmptyObject",
  "derived__noise.mp4": "NotMedia",
  "media3__sample_audio_only_15s.mp4": "NoVideoStream",
};

/** Each field is a packet, so decoded frames are counted. */
const FRAMES: Record<string, number> = { "drewn__Sony_ILCE-7M3__A7M3_.mts": 13, "tsduck__test-026.ts": 1 };

/** Nothing decodes behind the one keyframe. */
const TRUNCATED = ["tsduck__test-026.ts"];

/** Frames before the first keyframe. */
const UNDECODABLE: Record<string, number> = { "mediabunny__no-initial-keyframe.ts": 63, "tsduck__test-137.ts": 1 };

/** Codecs that some builds of ffmpeg know and others don't. */
const EITHER = ["media3__sample_vvc.mp4"];

/** Seconds a segment, where the two of the others would make dozens of segments of one file. */
const SEGMENT_SECONDS: Record<string, string> = {
  "bower__video.mp4": "10",
  "drewn__sample_iTunes.mov": "20",
  "intel__one-by-one-person-detection.mp4": "20",
  "media3__long_1080p_lowbitrate.mp4": "60",
  "moviepy__big_buck_bunny_0_30.webm": "10",
  "mp4parser__multiTrack.3gp": "20",
  "photoprism__earth.avi": "10",
};

/** Video packets that are shown: an edit list may hide some ("D", to be discarded). */
async function shownPacketsOf(path: string): Promise<number> {
  const text = await ffprobe("-select_streams", "v:0", "-show_entries", "packet=flags", "-of", "csv=p=0", path);
  return text.split("\n").filter((flags) => flags !== "" && flags[1] !== "D").length;
}

type Document = Record<string, unknown>;

/** How a file's documents differ from the expected ones; adds its line to `table`. */
async function differencesOf(file: string, documents: Document[], table: string[]): Promise<string[]> {
  const video = documents.find(({ key }) => key === `uploads/${file}`) as Document & { rejection?: { reason: string } };
  if (video === undefined) return ["no document"];
  const outcome = video.rejection?.reason ?? video.status;
  if (EITHER.includes(file) && outcome === "UnknownCodec") return [];
  if (REJECTED[file] !== undefined || outcome !== "split") {
    const expected = REJECTED[file] ?? "split";
    return outcome === expected ? [] : [`${outcome} instead of ${expected}`];
  }
  const segments = documents.filter(({ parent_video }) => parent_video === video.VideoId);
  const proof = video.proof as Proof;
  const made = ["copied", "stitched", "encoded"].map((way) => segments.filter((one) => one.made === way).length);
  table.push([file.padEnd(58), ...made.map((count) => String(count).padStart(8)), JSON.stringify(proof)].join(" "));
  const compared: [string, unknown, unknown][] = [
    ["sub_videos", String(video.sub_videos), String(segments.map(({ VideoId }) => VideoId))],
    ["segment_frames", proof.segment_frames, segments.reduce((sum, segment) => sum + Number(segment.frames), 0)],
    ["source_frames", proof.source_frames, FRAMES[file] ?? (await shownPacketsOf(join(MEDIA, file)))],
    ["undecodable_frames", proof.undecodable_frames, UNDECODABLE[file] ?? 0],
    ["max_boundary_deviation_ms", proof.max_boundary_deviation_ms, 0],
    ["max_audio_offset_ms above 40", proof.max_audio_offset_ms > 40, false],
    ["truncated", video.truncated, TRUNCATED.includes(file) ? true : undefined],
  ];
  return compared
    .filter(([, is, expected]) => is !== expected)
    .map(([name, is, expected]) => `${name}: ${is} instead of ${expected}`);
}

describe("real videos", () => {
  it.skipIf(there)("are not here (../shared/media): nothing was tried on them", () => {});

  it.skipIf(!there)(
    "each end split, with every packet once, or rejected with a fitting reason; nothing is left behind",
    { tags: "full", timeout: 600_000 },
    async () => {
      const directory = await temporaryFolder();
      const test = await openTestStack({ directory, values: { "video_split.output_files_duration_in_sec": 2 } });
      for (const file of files)
        await test.upload(join(MEDIA, file), { metadata: { "segment-seconds": SEGMENT_SECONDS[file] ?? "2" } });

      const documents = await test.allDocuments();
      const table: string[] = [];
      const wrong: Record<string, string> = {};
      for (const file of files) {
        const differences = await differencesOf(file, documents, table);
        if (differences.length > 0) wrong[file] = differences.join("; ");
      }
      console.info(
        `${"segments of 2 s, of the long ones 10 to 60".padEnd(58)}   copied stitched  encoded proof\n${table.join("\n")}`,
      );
      expect(wrong).toEqual({});
      expect(await test.deadLetters()).toEqual([]);
      const left = (await readdir(join(directory, "lambda"), { recursive: true })).filter((path) =>
        path.includes("video-split-"),
      );
      expect(left).toEqual([]);
    },
  );
});
