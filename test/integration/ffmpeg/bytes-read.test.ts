import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import type { ReadAheadLimits } from "../../../services/ffmpeg/source/read-ahead.ts";
import { type CutOptions, cutFile, rangedFile, recordingLog } from "../../fixtures/cut.ts";
import { type Layout, makeLayouts } from "../../fixtures/layouts.ts";
import { sharedFolder } from "../../fixtures/temporary.ts";

/** How many bytes of a video are read, with its description and index, until it's cut. */

const KB = 1024;
const MB = 1024 * KB;

/** The service's limits, 16 times smaller: a video of 3 MB behaves as one of 48 MB. */
const LIMITS: ReadAheadLimits = {
  memoryBytes: 4 * MB,
  blockBytes: 16 * KB,
  maxFetchBytes: 512 * KB,
  maxFetchesAhead: 3,
};

/** Of these a video of 3 MB is as one of 190 MB. */
const LITTLE: ReadAheadLimits = { ...LIMITS, memoryBytes: MB, blockBytes: 8 * KB, maxFetchBytes: 128 * KB };
const ENDLESS = 2 ** 40;

const folder = sharedFolder();
let made: Map<Layout, string>;

beforeAll(async () => {
  const video = { seconds: 8, bitRate: "2500k", size: "320x180", blockSeconds: 2 };
  made = await makeLayouts({ folder: await folder, ...video });
});

afterAll(async () => rm(await folder, { recursive: true, force: true }));

async function readsOf(layout: Layout, cut: CutOptions["cut"], readAhead: ReadAheadLimits) {
  const path = made.get(layout)!;
  const { size, read } = await rangedFile(path);
  let fetches = 0;
  let bytes = 0;
  const source: RangedSource = {
    size,
    read: (start, end, signal) => {
      fetches += 1;
      bytes += end - start + 1;
      return read(start, end, signal);
    },
  };
  const directory = await mkdtemp(join(await folder, "cut-"));
  const { log, warnings } = recordingLog();
  const makeFolder = () => mkdtemp(join(directory, "kept-"));
  const disk = { makeFolder, log, freeBytes: async () => ENDLESS };
  const { ending } = await cutFile(path, { cut, segmentSeconds: 3, directory, source, readAhead, disk });
  expect([ending, warnings]).toEqual([{ type: "complete" }, []]);
  expect((await readdir(directory)).filter((name) => name.startsWith("kept-"))).toEqual([]);
  return { ratio: bytes / size, fetches, largest: Math.ceil(size / readAhead.maxFetchBytes) };
}

describe("a video is read once, in few fetches", () => {
  for (const { layout, cut, tags } of [
    { layout: "interleaved.mp4", cut: "keyframe", tags: "full" },
    { layout: "moov-at-end.mp4", cut: "keyframe", tags: "full" },
    { layout: "video-then-audio.mp4", cut: "keyframe", tags: "full" },
    { layout: "video-then-audio.mp4", cut: "exact", tags: [] },
    { layout: "audio-then-video.mp4", cut: "keyframe", tags: "full" },
    { layout: "blocks.mp4", cut: "keyframe", tags: [] },
    { layout: "fragmented.mp4", cut: "keyframe", tags: [] },
  ] as const)
    it(`${layout}, cut ${cut}`, { tags: [tags].flat() }, async () => {
      const { ratio, fetches, largest } = await readsOf(layout, cut, LIMITS);
      expect(ratio).toBeLessThanOrEqual(1.05);
      expect(fetches).toBeLessThanOrEqual(largest + 60);
    });
});

describe("a video that is larger than the memory is fetched nearly once, in few fetches", () => {
  for (const { layout, tags } of [
    { layout: "fragmented.mp4", tags: "full" },
    { layout: "cues-at-end.mkv", tags: "full" },
    { layout: "index-at-end.avi", tags: "full" },
    { layout: "broadcast.ts", tags: [] },
  ] as const)
    it(`${layout}, cut keyframe`, { tags: [tags].flat() }, async () => {
      const { ratio, fetches, largest } = await readsOf(layout, "keyframe", LITTLE);
      expect(ratio).toBeLessThanOrEqual(1.2);
      expect(fetches).toBeLessThanOrEqual(largest + 60);
    });
});
