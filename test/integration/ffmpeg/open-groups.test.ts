import { expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { decodedFrames, ffmpeg } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

it("no frame is lost where keyframes aren't IDR pictures", async () => {
  const directory = await temporaryFolder();
  const path = `${directory}/open-groups.mp4`;
  const picture = "testsrc2=duration=14:size=160x90:rate=25,rotate=t/4,noise=alls=5:allf=t";
  const groups = ["-g", "60", "-keyint_min", "20", "-sc_threshold", "0", "-threads", "1", "-x264-params", "open-gop=1"];
  await ffmpeg("-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", "-c:v", "libx264", ...groups, path);
  const cut = { cut: "exact", segmentSeconds: 8.356, boundary: "anchored", directory } as const;
  const { segments, warnings, entries } = await cutFile(path, cut);
  expect(warnings).toEqual([expect.stringContaining("a keyframe that isn't IDR")]);
  expect(entries).toContainEqual(
    expect.objectContaining({ segment: 1, reason: expect.stringContaining("no IDR picture") }),
  );
  const frames = await decodedFrames(...segments.map((segment) => segment.path));
  expect(frames.map(({ length }) => length)).toEqual([209, 141]);
});
