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

/** Frames before the first keyframe. */
const UNDECODABLE: Record<string, number> = { "mediabunny__no-initial-keyframe.ts": 63 };

/** Codecs that some builds of ffmpeg know and others don't. */
const EITHER = ["media3__sample_vvc.mp4"];

/** Minutes of 1080p whose groups of pictures are longer than two seconds: nearly all would be encoded, for minutes. */
const LONG = ["media3__long_1080p_lowbitrate.mp4"];

/** Packets of the picture that are shown: an edit list may hide some ("D", to be discarded). */
async function shownPacketsOf(path: string): Promise<number> {
  const text = await ffprobe("-select_streams", "v:0", "-show_entries", "packet=flags", "-of", "csv=p=0", path);
  return text.split("\n").filter((flags) => flags !== "" && flags[1] !== "D").length;
}

describe("real videos", () => {
  it.skipIf(there)("are not here (../shared/media): nothing was tried on them", () => {});

  it.skipIf(!there)(
    "each end split, with every packet once, or rejected with a fitting reason; nothing is left behind",
    { timeout: 600_000 },
    async () => {
      const directory = await temporaryFolder();
      const test = await openTestStack({ directory, values: { "video_split.output_files_duration_in_sec": 2 } });
      for (const file of files)
        await test.upload(join(MEDIA, file), LONG.includes(file) ? { metadata: { "segment-seconds": "60" } } : {});

      const documents = await test.allDocuments();
      const table: string[] = [];
      for (const file of files) {
        const video = documents.find(({ key }) => key === `uploads/${file}`) as Record<string, unknown> & {
          rejection?: { reason: string };
        };
        expect(video, file).toBeDefined();
        if (EITHER.includes(file) && video.status === "rejected") {
          expect(video.rejection?.reason, file).toBe("UnknownCodec");
          continue;
        }
        if (REJECTED[file] !== undefined) {
          expect([video.status, video.rejection?.reason], file).toEqual(["rejected", REJECTED[file]]);
          continue;
        }
        expect([file, video.status, video.rejection]).toEqual([file, "split", undefined]);
        const segments = documents.filter(({ parent_video }) => parent_video === video.VideoId);
        expect(
          segments.map(({ VideoId }) => VideoId),
          file,
        ).toEqual(video.sub_videos);
        const frames = segments.reduce((sum, segment) => sum + Number(segment.frames), 0);
        const proof = video.proof as Proof;
        expect([file, frames, proof.source_frames]).toEqual([
          file,
          proof.segment_frames,
          await shownPacketsOf(join(MEDIA, file)),
        ]);
        expect([file, proof.undecodable_frames]).toEqual([file, UNDECODABLE[file] ?? 0]);
        expect([file, proof.max_boundary_deviation_ms, video.truncated]).toEqual([file, 0, undefined]);
        expect(proof.max_audio_offset_ms, file).toBeLessThanOrEqual(40);
        const made = ["copied", "stitched", "encoded"].map((way) => segments.filter((one) => one.made === way).length);
        table.push(
          [file.padEnd(58), ...made.map((count) => String(count).padStart(8)), JSON.stringify(proof)].join(" "),
        );
      }
      console.info(
        `${"clips of 2 s (60 s of the long one)".padEnd(58)}   copied stitched  encoded proof\n${table.join("\n")}`,
      );
      expect(await test.deadLetters()).toEqual([]);
      const left = (await readdir(join(directory, "lambda"), { recursive: true })).filter((path) =>
        path.includes("video-split-"),
      );
      expect(left).toEqual([]);
    },
  );
});
