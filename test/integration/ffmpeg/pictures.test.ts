import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ffmpegPictures } from "../../../services/ffmpeg/index.ts";
import { stretchesOf } from "../../../services/poster/domain/stretches.ts";
import type { Picture } from "../../../services/poster/ports/pictures.ts";
import { budgetOf } from "../../../services/split/domain/budget.ts";
import { rangedFile } from "../../fixtures/cut.ts";
import { binaries, ffmpeg, ffprobe, makeMedia, type Trait } from "../../fixtures/media.ts";
import { turned } from "../../fixtures/odd-media.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const SECOND = { from: 0, frames: 25, mayBeBlack: true };
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];

const picturesOf = async () =>
  ffmpegPictures({ binary: (await binaries).ffmpeg, directory: await temporaryFolder(), budget: budgetOf() });

async function open(path: string) {
  const { size: bytes, read } = await rangedFile(path);
  const opened = await (await picturesOf()).open({ bytes, read });
  onTestFinished(opened.close);
  return opened;
}

const pictureOf = async (path: string) => (await open(path)).picture(SECOND, NEVER);

/** A file whose upper half is white and whose lower half is black, in the frame as it is coded. */
async function halves(size: string, ...filters: string[]): Promise<string> {
  const path = join(await temporaryFolder(), "halves.mp4");
  const white = "drawbox=w=iw:h=ih/2:color=white:t=fill";
  await ffmpeg(
    "-f",
    "lavfi",
    "-i",
    `color=black:duration=0.4:size=${size}`,
    "-vf",
    [white, ...filters].join(),
    ...X264,
    path,
  );
  return path;
}

/** Brightness of the picture's parts, from 0 to 255: 16 rows of 16. */
async function partsOf({ jpeg }: Picture): Promise<Buffer> {
  const path = join(await temporaryFolder(), "poster.jpg");
  await writeFile(path, jpeg);
  await ffmpeg("-i", path, "-vf", "scale=16:16:flags=area,format=gray", "-f", "rawvideo", `${path}.gray`);
  return readFile(`${path}.gray`);
}

/** Which of the picture's upper, right, lower and left quarters, in this order, are white. */
async function whiteEdges(picture: Picture): Promise<boolean[]> {
  const parts = await partsOf(picture);
  const isWhite = (isIn: (x: number, y: number) => boolean) =>
    parts.every((part, at) => !isIn(at % 16, Math.floor(at / 16)) || part > 200);
  return [isWhite((_, y) => y < 4), isWhite((x) => x >= 12), isWhite((_, y) => y >= 12), isWhite((x) => x < 4)];
}

describe("a picture of a segment", () => {
  it("is a JPEG 640 pixels wide, in the video's shape, of a size as it says", async () => {
    const picture = (await pictureOf(await halves("160x90")))!;
    expect(picture.size).toEqual([640, 360]);
    const path = join(await temporaryFolder(), "poster.jpg");
    await writeFile(path, picture.jpeg);
    const shown = await ffprobe("-show_entries", "stream=codec_name,width,height,pix_fmt", "-of", "csv=p=0", path);
    expect(shown.trim()).toBe("mjpeg,640,360,yuvj420p");
    expect(await whiteEdges(picture)).toEqual([true, false, false, false]);
  });

  it("given a video that is stored turned, then it's upright", async () => {
    const path = await halves("160x90");
    await writeFile(path, turned(await readFile(path)));
    const picture = (await pictureOf(path))!;
    expect(picture.size).toEqual([640, 1_138]);
    // What is up in the stored frame is right in the displayed one.
    expect(await whiteEdges(picture)).toEqual([false, true, false, false]);
  });

  it.each([
    ["a portrait video", "90x160", "null", [640, 1_138]],
    ["pixels that are twice as wide as they are high", "160x90", "setsar=2", [640, 180]],
    ["a video that is much higher than wide", "16x160", "null", [256, 2_560]],
  ])("given %s, then it has that shape", async (_what, size, filter, expected) => {
    const picture = (await pictureOf(await halves(size, filter)))!;
    expect(picture.size).toEqual(expected);
    expect(await whiteEdges(picture)).toEqual([true, false, false, false]);
  });

  it.each<Trait>(["transport-stream.ts", "vp8.webm", "matroska.mkv"])("is made of %s, of its middle", async (trait) => {
    const opened = await open(await makeMedia(await temporaryFolder(), trait));
    expect(await opened.picture({ from: 3, frames: 25, mayBeBlack: false }, NEVER)).toMatchObject({ size: [640, 360] });
  });

  it("is the same each time", async () => {
    const opened = await open(await makeMedia(await temporaryFolder(), "b-frames.mp4"));
    const [one, other] = await Promise.all([opened.picture(SECOND, NEVER), opened.picture(SECOND, NEVER)]);
    expect(one).toEqual(other);
  });

  it("given a file that isn't a video, then there is none", async () => {
    const path = join(await temporaryFolder(), "broken.mp4");
    await writeFile(path, Buffer.alloc(5_000, "not a video"));
    expect(await pictureOf(path)).toBeUndefined();
  });

  it("given the segment can't be fetched, then throws why", async () => {
    const read = () => {
      throw new Error("S3 is gone");
    };
    const opened = await (await picturesOf()).open({ bytes: 5_000, read });
    onTestFinished(opened.close);
    await expect(opened.picture(SECOND, NEVER)).rejects.toThrow("S3 is gone");
  });
});

/** A video that is black for a while, then shows something. */
async function blackAtFirst(seconds: number, gop: number): Promise<string> {
  const path = join(await temporaryFolder(), "black-at-first.mp4");
  const video = `testsrc2=duration=6:size=160x90:rate=25`;
  const black = `drawbox=w=iw:h=ih:color=black:t=fill:enable='lt(t,${seconds})'`;
  await ffmpeg("-f", "lavfi", "-i", video, "-vf", black, ...X264, "-g", String(gop), "-sc_threshold", "0", path);
  return path;
}

describe("given a segment that begins black", () => {
  it.each([
    ["and has a keyframe each second", 2, 25],
    ["and shows something in its last quarter", 5, 25],
    ["and has one keyframe", 4, 1_000],
  ])("%s, then one of the stretches has a picture, and it isn't black", async (_what, seconds, gop) => {
    const opened = await open(await blackAtFirst(seconds, gop));
    for (const stretch of stretchesOf(6)) {
      const picture = await opened.picture(stretch, NEVER);
      if (picture === undefined) continue;
      expect(stretch.mayBeBlack).toBe(false);
      expect(Math.max(...(await partsOf(picture)))).toBeGreaterThan(100);
      return;
    }
    expect.unreachable("no stretch has a picture");
  });

  it("and stays so, then it has a picture where it may be black, and nowhere else", async () => {
    const opened = await open(await blackAtFirst(7, 25));
    const pictures = [];
    for (const stretch of stretchesOf(6)) pictures.push(await opened.picture(stretch, NEVER));
    expect(pictures.map((picture) => picture?.size)).toEqual([undefined, undefined, undefined, undefined, [640, 360]]);
  });
});
