import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mp4HeaderOf } from "../../../services/ffmpeg/formats/iso/fragments.ts";
import { type ExpectedSegment, proveSegment, type SourceFrame } from "../../../services/ffmpeg/proof/prove-segment.ts";
import { NEVER } from "../../fixtures/cut.ts";
import { binaries, ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const FRAMES = 50;
const GROUP = 25;

const video = (size = "160x90") => ["-f", "lavfi", "-i", `testsrc2=duration=2:size=${size}:rate=25`];
const x264 = (...options: string[]) => ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", ...options];
/** Each frame is a keyframe, so that a damaged one affects no other. */
const KEYFRAMES = x264("-g", "1");

async function make(name: string, ...args: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...args, path);
  return path;
}

/** Damages the slice headers of some packets. */
async function spoil(path: string, ...packets: number[]): Promise<void> {
  const text = await ffprobe("-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "csv=p=0", path);
  const lines = text.split("\n").filter(Boolean);
  const file = await open(path, "r+");
  for (const packet of packets) {
    const [size, at] = lines[packet]!.split(",").map(Number);
    // Behind the length and the type: the packet is one slice.
    await file.write(Buffer.alloc(size! - 5), 0, size! - 5, at! + 5);
  }
  await file.close();
}

const EXPECTED: ExpectedSegment = {
  hash: () => 0,
  frames: Array.from({ length: FRAMES }, (_, frame) => ({ time: frame / 25, hash: 0 })),
  start: 10,
  lastDuration: 0.04,
  audio: [],
  rounding: 0.0011,
  startsOnKey: true,
  mustDecode: true,
};

async function prove(path: string, changes: Partial<ExpectedSegment> = {}, decodeAll = false) {
  const extension = path.split(".").at(-1)!;
  const muxer = { ts: "mpegts", mkv: "matroska" }[extension] ?? extension;
  const container = { muxer, extension, contentType: "" };
  const { ffmpeg: binary, ffprobe } = await binaries;
  const file = { binary, ffprobe, directory: await temporaryFolder(), path, audio: [], container, signal: NEVER };
  return proveSegment(file, { ...EXPECTED, ...changes }, { decodeAll });
}

describe("the proof compares the segment with the source's frames", () => {
  const with7th = (changes: Partial<SourceFrame>) =>
    EXPECTED.frames.map((frame, rank) => (rank === 7 ? { ...frame, ...changes } : frame));

  it.each<[string, SourceFrame[], string]>([
    ["more than they are", EXPECTED.frames.slice(1), "the segment has 50 frames instead of 49"],
    ["fewer than they are", [...EXPECTED.frames, { time: 2, hash: 0 }], "the segment has 50 frames instead of 51"],
    ["with another content", with7th({ hash: 1 }), "frame 7 of the segment was altered"],
    ["at another time", with7th({ time: 0.3 }), "frame 7 of the segment is 20.000 ms away from its time"],
  ])("and fails for frames that are %s", async (_, frames, message) => {
    const path = await make("whole.mp4", ...video(), ...KEYFRAMES);
    await expect(prove(path, { frames })).rejects.toThrow(message);
  });

  it("and fails for a start that isn't a keyframe", async () => {
    const whole = await make("whole.mkv", ...video(), ...x264("-g", String(GROUP)));
    const path = await make("late.mkv", "-i", whole, "-c", "copy", "-copyinkf", "-ss", "0.1");
    await expect(prove(path)).rejects.toThrow("the segment doesn't start with a keyframe");
  });
});

describe("the proof decodes the segment", () => {
  it("a file that decodes: every frame, its size, start and end", async () => {
    const proof = await prove(await make("whole.mp4", ...video(), ...x264("-g", String(GROUP), "-bf", "2")));
    expect(proof).toMatchObject({ frames: FRAMES, undecodable: 0, copiedFrames: FRAMES, start: 10, size: [160, 90] });
    expect(proof.end).toBeCloseTo(12, 4);
  });

  it("frames before the video's first keyframe don't count, whether or not a decoder returns them", async () => {
    const path = await make("late.mp4", ...video(), ...x264("-g", String(GROUP)));
    const proof = await prove(path, { start: -0.08, startsOnKey: false, mustDecode: false });
    expect(proof).toMatchObject({ frames: FRAMES - 2, undecodable: 2, copiedFrames: FRAMES - 2 });
    expect(proof.start).toBeCloseTo(0, 6);
  });

  it("the size is the displayed one, with rotation applied", async () => {
    const path = await make("flat.mp4", ...video(), ...KEYFRAMES);
    const turned = await make("turned.mp4", "-display_rotation", "90", "-i", path, "-c", "copy").catch(() =>
      make("turned.mp4", "-i", path, "-c", "copy", "-metadata:s:v", "rotate=90"),
    );
    expect((await prove(turned)).size).toEqual([90, 160]);
  });

  it("a wrong sample description fails, even if the hashes match", async () => {
    const fragmented = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"];
    const [own, other] = await Promise.all([
      make("baseline.mp4", ...video(), ...x264("-g", String(GROUP), "-profile:v", "baseline"), ...fragmented),
      make("high.mp4", ...video(), ...x264("-preset", "veryfast", "-profile:v", "high"), ...fragmented),
    ]);
    const [bytes, head] = [await readFile(own), mp4HeaderOf(await readFile(other), "h264")];
    const ownHead = mp4HeaderOf(bytes, "h264");
    const mixed = join(await temporaryFolder(), "mixed.mp4");
    const body = bytes.subarray(ownHead.bytes.length);
    await writeFile(mixed, Buffer.concat([ownHead.withConfiguration(head.configuration).bytes, body]));

    await expect(prove(own)).resolves.toMatchObject({ frames: FRAMES });
    await expect(prove(mixed)).rejects.toThrow("can be decoded");
  });

  it.each(["mp4", "ts"])("%s: an undecodable frame among the first ones fails, or is counted", async (extension) => {
    const path = await make(`spoilt.${extension}`, ...video(), ...KEYFRAMES);
    await (extension === "mp4" ? spoil(path, 5) : spoilStream(path, 5));
    await expect(prove(path)).rejects.toThrow("1 of the segment's 50 frames can't be decoded");
    const counted = await prove(path, { mustDecode: false });
    expect(counted).toMatchObject({ frames: 49, undecodable: 1, copiedFrames: 49, start: 10 });
  });

  it("the segment starts at the first frame that decodes", async () => {
    const path = await make("spoilt-start.mp4", ...video(), ...KEYFRAMES, "-bsf:v", "filter_units=remove_types=6");
    await spoil(path, 0, 1, 2);
    const proof = await prove(path, { mustDecode: false });
    expect(proof).toMatchObject({ frames: 47, undecodable: 3 });
    expect(proof.start).toBeCloseTo(10.12, 4);
    expect(proof.end).toBeCloseTo(12, 4);
  });

  it("an undecodable frame behind the first group is found when everything is decoded", async () => {
    const path = await make("spoilt-end.mp4", ...video(), ...KEYFRAMES);
    await spoil(path, 40);
    await expect(prove(path)).resolves.toMatchObject({ frames: FRAMES });
    await expect(prove(path, {}, true)).rejects.toThrow("1 of the segment's 50 frames can't be decoded");
  });

  it("a file without decodable frames fails, even when such frames are counted", async () => {
    const path = await make("spoilt-whole.mp4", ...video(), ...KEYFRAMES, "-bsf:v", "filter_units=remove_types=6");
    await spoil(path, ...EXPECTED.frames.keys());
    await expect(prove(path, { mustDecode: false })).rejects.toThrow("no frame of the segment can be decoded");
  });

  it("a size other than the source's fails", async () => {
    const path = await make("small.mp4", ...video("128x72"), ...KEYFRAMES);
    await expect(prove(path, { size: [160, 90] })).rejects.toThrow("size is 128 x 72; the source's is 160 x 90");
    await expect(prove(path, { size: [129, 72] })).resolves.toMatchObject({ size: [128, 72] });
  });
});

describe("frames with the same time", () => {
  const thousandFps = ["-f", "lavfi", "-i", "testsrc2=duration=0.05:size=160x90:rate=1000"];
  const at = (time: (frame: number) => number) => ({
    frames: EXPECTED.frames.map(({ hash }, frame) => ({ time: time(frame), hash })),
  });

  it("are a tick apart in the file, and the proof reports the difference", async () => {
    const path = await make("ticks.mkv", ...thousandFps, ...KEYFRAMES);
    expect(
      (
        await prove(
          path,
          at(() => 0),
        )
      ).largestTimeError,
    ).toBeCloseTo(0.049, 6);
  });

  it("don't allow later frames to be late", async () => {
    const path = await make("ticks.mkv", ...thousandFps, ...KEYFRAMES);
    await expect(
      prove(
        path,
        at((frame) => frame / 1000),
      ),
    ).resolves.toMatchObject({ largestTimeError: 0 });
    await expect(
      prove(
        path,
        at((frame) => frame / 500),
      ),
    ).rejects.toThrow("away from its time in the source");
  });
});

/** The same for start codes: the slice behind the n-th start code. */
async function spoilStream(path: string, video: number): Promise<void> {
  const bytes = await readFile(path);
  const IDR = Buffer.from([0, 0, 1, 0x65]);
  let at = -1;
  for (let found = 0; found <= video; found += 1) at = bytes.indexOf(IDR, at + 1);
  bytes.fill(0xff, at + IDR.length, at + IDR.length + 16);
  await writeFile(path, bytes);
}
