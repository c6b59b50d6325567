import { readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ffmpeg } from "../../fixtures/media.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { split, type World } from "../../fixtures/split-world.ts";
import { ffmpegAfter, where } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/**
 * Lambda keeps a process for the next invocation: files that one split leaves open reduce what
 * later ones can open.
 */

const SPLITS = Number(process.env.VIDEO_SPLIT_TEST_SPLITS ?? 24);

/** What ffmpeg says where the disk is full. */
const FULL = 'echo "x: No space left on device" >&2; exit 1';

/** Files that are open in this process: what each descriptor leads to. Sockets and pipes come and go by themselves. */
async function openFiles(): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd");
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return targets.filter((target) => target.includes("video-split")).sort();
}

const afterPlan =
  (then: (start: number, end: number) => Error | undefined): World["onRead"] =>
  (read, announced) =>
    async function* (start, end, signal) {
      const error = announced.length > 0 ? then(start, end) : undefined;
      if (error !== undefined) {
        yield* read(start, Math.max(start, Math.floor((start + end) / 2)), signal);
        throw error;
      }
      yield* read(start, end, signal);
    };

/** So many are enough for each failure once. */
const FEW = 4;

describe.skipIf(process.platform !== "linux")("a process in which splits have failed", () => {
  for (const { from, to, tags } of [
    { from: 0, to: FEW, tags: [] },
    { from: FEW, to: SPLITS, tags: ["full"] },
  ])
    it(`has no file open and no folder left (${from} to ${to})`, { timeout: 300_000, tags }, async () => {
      const folder = await temporaryFolder();
      const file = join(folder, "film.mp4");
      // Noise: segments too large to be kept in memory on the way.
      const video = ["-f", "lavfi", "-i", "testsrc2=duration=4:size=320x180:rate=25,noise=alls=100:allf=t"];
      const audio = ["-f", "lavfi", "-i", "sine=duration=4", "-c:a", "aac"];
      await ffmpeg(
        ...video,
        ...audio,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-qp",
        "4",
        "-g",
        "30",
        "-bf",
        "2",
        file,
      );
      const bytes = (await stat(file)).size;
      expect(bytes).toBeGreaterThan(4_000_000);

      const failures: (() => Promise<Partial<World>>)[] = [
        async () => ({ onRead: afterPlan(() => new Error("S3 is down")) }),
        async () => ({ onUpload: () => Promise.reject(new Error("the upload failed")) }),
        async () => ({ ffmpeg: await ffmpegAfter(folder, "kill -9 $$", "killed") }),
        async () => ({ ffmpeg: await ffmpegAfter(folder, where("-i pipe:0", "kill -9 $$"), "encoder-killed") }),
        async () => ({ ffmpeg: await ffmpegAfter(folder, where("-i pipe:0", "exit 1"), "encoder-fails") }),
        async () => ({ ffmpeg: await ffmpegAfter(folder, where("-i pipe:0", FULL), "full") }),
        async () => ({ signal: AbortSignal.timeout(150) }),
        async () => ({ onRecord: () => Promise.reject(new Error("the table is throttled")) }),
      ];
      const before = await openFiles();
      const outcomes = new Map<string, number>();
      for (let done = from; done < to; done += 1) {
        const failure = await failures[done % failures.length]!();
        const request = { cut: done % 3 === 0 ? ("keyframe" as const) : ("exact" as const), segmentSeconds: 1.7 };
        const { outcome, left } = await split({ file, request, signal: NEVER, ...failure });
        const what = outcome instanceof Error ? outcome.message : JSON.stringify(outcome);
        outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
        expect(left, what).toEqual([]);
      }
      expect([...outcomes.keys()].join("\n")).toContain("S3 is down");
      expect(await openFiles()).toEqual(before);
    });
});
