import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { describe, expect, it } from "vitest";
import { childrenOf } from "../../infra/emulator/faults/client-process.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { randomFrom } from "../fixtures/random.ts";
import { split } from "../fixtures/split-world.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** Damaged uploads: bits flipped, bytes zeroed, ends cut off, at places that a seed determines. */

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=3:size=96x64:rate=20"];
const AUDIO = ["-f", "lavfi", "-i", "sine=duration=3", "-c:a", "aac"];
const X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25"];

const VIDEOS = {
  "film.mp4": [...VIDEO, ...AUDIO, ...X264, "-movflags", "+faststart"],
  "film.mkv": [...VIDEO, ...AUDIO, ...X264],
  "film.ts": [...VIDEO, ...AUDIO, ...X264],
  "film.mov": [...VIDEO, ..."-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25".split(" ")],
  "film.webm": [...VIDEO, ..."-c:v libvpx -deadline realtime -cpu-used 8 -g 25".split(" ")],
};
type Video = keyof typeof VIDEOS;

/** For each video. VIDEO_SPLIT_TEST_MUTATIONS sets more: 60 make 300. */
const EACH = Number(process.env.VIDEO_SPLIT_TEST_MUTATIONS ?? 10);
const BATCH = 10;
const MAX_CONCURRENT = 3;

/** The same damage for the same seed, whatever the machine. */
function damaged(original: Buffer, seed: number): Buffer {
  const random = randomFrom(seed);
  const bytes = Buffer.from(original);
  const below = (limit: number) => Math.floor(random() * limit);
  const kind = seed % 4;
  if (kind === 0) return bytes.subarray(0, 1 + below(bytes.length - 1));
  // The head holds what readers must understand before anything else.
  const reach = kind === 1 ? Math.min(2_000, bytes.length) : bytes.length;
  if (kind === 3) {
    const from = below(bytes.length);
    return bytes.fill(0, from, Math.min(bytes.length, from + 1 + below(5_000)));
  }
  for (let flips = 1 + below(40); flips > 0; flips -= 1) {
    const at = below(reach);
    bytes[at]! ^= 1 << below(8);
  }
  return bytes;
}

describe("damaged uploads end well, each in its way", () => {
  const batches = (Object.keys(VIDEOS) as Video[]).flatMap((video) =>
    Array.from({ length: EACH / BATCH }, (_, batch): [Video, number] => [video, batch * BATCH]),
  );

  for (const [number, [video, first]] of batches.entries()) {
    const tags = number === 0 ? [] : ["full"];
    it(`${video}, seeds ${first} and on: split with a proof, truncated, or rejected`, { tags }, async () => {
      const folder = await temporaryFolder();
      const whole = join(folder, video);
      await ffmpeg(...VIDEOS[video], whole);
      const original = await readFile(whole);
      const endings: Record<string, number> = {};
      const limit = pLimit(MAX_CONCURRENT);
      const one = async (seed: number) => {
        const file = join(folder, `${seed}-${video}`);
        await writeFile(file, damaged(original, seed));
        const key = `uploads/${video}`;
        const cut = seed % 3 === 0 ? "keyframe" : "exact";
        const { outcome, events, left } = await split({ file, cut, request: { key } });
        const end = events.at(-1);
        const description = `${video} with seed ${seed} ended as ${outcome instanceof Error ? outcome.stack : JSON.stringify(outcome)}`;
        expect(["VideoSplit", "VideoRejected"], description).toContain(end?.type);
        if (end?.type === "VideoSplit") expect(end.data.proof?.segment_frames, description).toBe(end.data.frames);
        expect(left, description).toEqual([]);
        const ending = end?.type === "VideoSplit" ? (end.data.truncated ? "truncated" : "split") : "rejected";
        endings[ending] = (endings[ending] ?? 0) + 1;
      };
      await Promise.all(Array.from({ length: BATCH }, (_, seed) => limit(() => one(first + seed))));
      console.info(`${video}, seeds ${first} to ${first + BATCH - 1}: ${JSON.stringify(endings)}`);
    });
  }

  it("and no process is left", async () => {
    expect(await childrenOf(process.pid, "ffmpeg")).toEqual([]);
  });
});
