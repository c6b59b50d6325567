import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { sharedFolder } from "../../fixtures/temporary.ts";
import { type Judgement, judge, newMessages } from "../../independent/boundaries/judge.ts";
import { type Measured, measure, placesIn } from "../../independent/boundaries/measure.ts";

/** The judge of boundaries itself: a segment that is copied is right, and each kind of fault is found. */

const GROUP = 15;
const FRAMES = 2 * GROUP;

let folder: string;
let source: Measured;
const at = (name: string): string => join(folder, name);
const measured = async (path: string): Promise<Measured> => measure(path, (await placesIn(path))[0]!);

beforeAll(async () => {
  folder = await sharedFolder();
  const picture = `testsrc2=duration=${FRAMES / 25}:size=160x90:rate=25,noise=alls=6:allf=t`;
  const groups = ["-g", String(GROUP), "-keyint_min", String(GROUP), "-sc_threshold", "0", "-threads", "1"];
  const x264 = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", ...groups];
  await ffmpeg("-f", "lavfi", "-i", picture, ...x264, at("source.mkv"));
  source = await measured(at("source.mkv"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Everything is one segment. */
async function judged(path: string): Promise<Judgement & { messages: string[] }> {
  const segment = await measured(path);
  const [judgement] = await judge(source, [{ index: 0, interval: { from: 0, to: FRAMES }, measured: segment }]);
  return { ...judgement!, messages: newMessages(segment.video.messages, source.video.messages) };
}

async function made(name: string, ...options: string[]): Promise<string> {
  await ffmpeg("-i", at("source.mkv"), ...options, at(name));
  return at(name);
}

/** Inverts bits of a packet's slice, `byte` bytes behind its length and type. */
async function withBits(name: string, packet: number, byte: number, bits: number): Promise<string> {
  const path = await made(name, "-c", "copy");
  const lines = await ffprobe("-select_streams", "v:0", "-show_entries", "packet=pos", "-of", "csv=p=0", path);
  const position = Number(lines.split("\n")[packet]!.replace(",", "")) + 5 + byte;
  const file = await open(path, "r+");
  const own = Buffer.alloc(1);
  await file.read(own, 0, 1, position);
  await file.write(Buffer.from([own[0]! ^ bits]), 0, 1, position);
  await file.close();
  return path;
}

describe("the judge of boundaries", () => {
  it("finds nothing in a copied segment", async () => {
    const { faults, messages, identical, isOnKey } = await judged(await made("copied.mp4", "-c", "copy"));
    expect({ faults, messages, identical, isOnKey }).toEqual({
      faults: [],
      messages: [],
      identical: FRAMES,
      isOnKey: true,
    });
  });

  it("finds a dropped frame", async () => {
    const drop = ["-c", "copy", "-bsf:v", "noise=drop=eq(n\\,7)"];
    const path = await made("dropped.mp4", ...drop).catch(() =>
      made("dropped.mp4", "-vf", "select=not(eq(n\\,7))", "-vsync", "passthrough", "-c:v", "libx264", "-qp", "4"),
    );
    const { faults } = await judged(path);
    expect(faults[0]).toBe(`${FRAMES - 1} frames instead of ${FRAMES}`);
    expect(faults.join("\n")).toContain("isn't at its time");
  });

  it("finds a header that refers to other pictures", async () => {
    // The bits behind first_mb_in_slice, slice_type and pic_parameter_set_id: frame_num.
    const { faults, messages } = await judged(await withBits("header.mp4", GROUP + 4, 1, 0x30));
    expect([...faults, ...messages].join("\n")).toMatch(/packets behind the next keyframe differ/);
    expect(messages.length + faults.filter((fault) => fault.includes("frames")).length).toBeGreaterThan(0);
  });

  it("finds a picture that is altered, and how much", async () => {
    const { faults, decibels } = await judged(await made("encoded.mp4", "-c:v", "libx264", "-qp", "30", "-bf", "0"));
    expect(faults.join("\n")).toContain(`${FRAMES} of ${FRAMES} frames behind the next keyframe differ`);
    expect(decibels).toHaveLength(FRAMES);
    expect(Math.max(...decibels)).toBeLessThan(45);
  });
});
