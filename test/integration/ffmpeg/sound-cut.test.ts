import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { playedSound, soundOfSegments, soundPackets } from "../../fixtures/sound.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** An AAC frame at 48 kHz, and what Matroska and FLV round. */
const FRAME_SECONDS = 1_024 / 48_000;
const ROUNDING_SECONDS = 0.0025;

/** Six seconds, a keyframe every two: decode times are three frames before presentation times. */
async function make(name: string, rate = 25, ...more: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  const picture = ["-f", "lavfi", "-i", `testsrc2=duration=6:size=160x90:rate=${rate}`];
  const sound = ["-f", "lavfi", "-i", "anoisesrc=colour=pink:seed=7:sample_rate=48000:amplitude=0.4:duration=6"];
  const groups = `keyint=${2 * rate}:min-keyint=${2 * rate}:scenecut=0:bframes=3:b-adapt=0:open-gop=0`;
  const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", groups];
  await ffmpeg(...picture, ...sound, ...x264, "-c:a", "aac", ...more, path);
  return path;
}

const cut = async (path: string, kind: "keyframe" | "exact", segmentSeconds: number) =>
  cutFile(path, { cut: kind, segmentSeconds, directory: await temporaryFolder() });

describe("sound that is cut with the picture", () => {
  it.each<["keyframe" | "exact", string, number, number]>([
    ["keyframe", "two-second-groups.mp4", 25, 2],
    ["exact", "two-second-groups.mp4", 25, 2],
    ["exact", "two-second-groups.mp4", 25, 1.5],
    ["keyframe", "five-a-second.mp4", 5, 2],
    ["keyframe", "two-second-groups.mov", 25, 2],
    ["keyframe", "two-second-groups.mkv", 25, 2],
    ["keyframe", "two-second-groups.ts", 25, 2],
    ["keyframe", "two-second-groups.flv", 25, 2],
  ])(
    "%s, %s at %i fps, %f s: each packet is in one segment, and there's no hole",
    async (kind, name, rate, seconds) => {
      const path = await make(name, rate);
      const { segments } = await cut(path, kind, seconds);
      expect(segments.length).toBeGreaterThanOrEqual(3);

      const packets = await Promise.all(segments.map((segment) => soundPackets(segment.path)));
      expect(packets.flat()).toEqual(await soundPackets(path));
      const source = (await playedSound(path))!;
      const { all, joints } = await soundOfSegments(segments);
      expect(all).toHaveLength(segments.length);
      for (const joint of joints) expect(Math.abs(joint)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
      for (const { largestGap } of all) expect(largestGap).toBeLessThan(ROUNDING_SECONDS);
      expect(Math.abs(all[0]!.start - source.start)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
      expect(Math.abs(all.at(-1)!.end - source.end)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
    },
  );
});
