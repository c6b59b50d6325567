import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cut } from "#events-schema";
import { ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { split } from "../../fixtures/split-world.ts";

/** VP8's alternative reference frames are packets that decoders don't show. */

const FRAMES = 150;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-hidden-"));
  const picture = "mandelbrot=size=160x90:rate=25:end_scale=0.005:maxiter=300";
  const vp8 = ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "25", "-arnr-maxframes", "7", "-b:v", "300k"];
  // Only the second of two passes uses such frames.
  for (const pass of ["1", "2"])
    await ffmpeg(
      ...["-f", "lavfi", "-i", picture, "-t", "6", "-threads", "1", ...vp8, "-arnr-strength", "5", "-cpu-used", "5"],
      ...["-g", "75", "-pass", pass, "-passlogfile", join(folder, "passes"), join(folder, "same-time.webm")],
    );
  // As vpxenc writes them: the next frame is a millisecond later.
  const later = "setts=ts='max(PTS,if(isnan(PREV_OUTPTS),PTS,PREV_OUTPTS+1))'";
  await ffmpeg("-i", join(folder, "same-time.webm"), "-c", "copy", "-bsf:v", later, join(folder, "own-time.webm"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(["same-time.webm", "own-time.webm"])("%s", (name) => {
  it.each<Cut>(["keyframe", "exact"])("%s: packets that aren't shown don't count as frames", async (cut) => {
    const file = join(folder, name);
    const counts = ["-count_frames", "-count_packets", "-show_entries", "stream=nb_read_frames,nb_read_packets"];
    const [frames, packets] = (await ffprobe(...counts, "-of", "csv=p=0", file)).trim().split(",").map(Number);
    expect([frames, packets! > FRAMES]).toEqual([FRAMES, true]);

    const { events } = await split({ file, request: { cut, segmentSeconds: 2, key: `uploads/${name}` } });
    const ended = events.find(({ type }) => type === "VideoSplit");
    const proof = { source_frames: FRAMES, segment_frames: FRAMES, undecodable_frames: 0 };
    expect(ended?.data).toMatchObject({ frames: FRAMES, proof });
  });
});
