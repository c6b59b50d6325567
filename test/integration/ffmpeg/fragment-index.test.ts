import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFragmentIndex } from "../../../services/ffmpeg/source/fragment-index.ts";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import { packetReader } from "../../../services/ffmpeg/source/scan-packets.ts";
import { type CutOptions, cutFile, NEVER, openFile, rangedFile } from "../../fixtures/cut.ts";
import { ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { sharedFolder } from "../../fixtures/temporary.ts";

const folder = sharedFolder();
let encoded: string;

const SECONDS = 4;

beforeAll(async () => {
  encoded = join(await folder, "encoded.mp4");
  const picture = `testsrc2=size=320x180:rate=25:duration=${SECONDS},noise=alls=40:allf=t`;
  await ffmpeg(
    ...["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `sine=duration=${SECONDS}`],
    ...["-c:v", "libx264", "-preset", "superfast", "-bf", "2", "-b:v", "6M", "-pix_fmt", "yuv420p", "-g", "25"],
    ...["-sc_threshold", "0"],
    ...["-c:a", "aac", encoded],
  );
});

afterAll(async () => rm(await folder, { recursive: true, force: true }));

/** The video in fragments of a second, which have some 700 KB each. */
async function fragmented(name: string, flags: string, ...options: string[]): Promise<string> {
  const path = join(await folder, name);
  const kept = ["-map", "0", "-c", "copy"];
  await ffmpeg("-i", encoded, ...kept, ...options, "-movflags", `frag_keyframe+empty_moov+${flags}`, path);
  return path;
}

/** As ffprobe finds them by reading the file. */
async function packetsOf(path: string) {
  const entries = ["-show_entries", "packet=pts_time,dts_time,duration_time,pos,flags", "-of", "csv=p=0"];
  const text = await ffprobe("-select_streams", "v:0", ...entries, path);
  return text.trim().split("\n").flatMap(rowReader());
}

const rowReader = () => {
  const read = packetReader("mov");
  return (line: string) => read(line) ?? [];
};

function counted({ size, read }: RangedSource) {
  const counts = { bytes: 0 };
  const source: RangedSource = {
    size,
    read: (start, end, signal) => {
      counts.bytes += end - start + 1;
      return read(start, end, signal);
    },
  };
  return { source, counts };
}

describe("the headers of an MP4's fragments", () => {
  it.each([
    { what: "with positions from each fragment", flags: "default_base_moof", options: [] },
    { what: "with positions in the file", flags: "frag_keyframe", options: [] },
    { what: "with an edit list", flags: "delay_moov", options: [] },
    { what: "with a later start", flags: "delay_moov", options: ["-output_ts_offset", "7"] },
    { what: "with tracks in fragments of their own", flags: "separate_moof", options: [] },
    { what: "with no index at the end", flags: "skip_trailer+default_base_moof", options: [] },
  ])("give the packets that ffprobe reads, $what", async ({ what, flags, options }) => {
    const path = await fragmented(`${what}.mp4`, flags, ...options);
    const { source, counts } = counted(await rangedFile(path));
    const { packets } = (await readFragmentIndex(source, 0, NEVER, 1))!;
    const indexed = [...packets];
    const read = await packetsOf(path);
    const placed = (all: typeof indexed) => all.map(({ key, position }) => ({ key, position }));
    expect(placed(indexed)).toEqual(placed(read));
    for (const [at, { time }] of read.entries()) expect(indexed[at]!.time).toBeCloseTo(time, 5);
    expect(counts.bytes).toBeLessThan(source.size / 100);
  });

  it("give the second keyframe's bytes", async () => {
    const path = await fragmented("second.mp4", "default_base_moof");
    const { packets, readSecondKeyframe } = (await readFragmentIndex(await rangedFile(path), 0, NEVER, 1))!;
    const second = [...packets].filter(({ key }) => key)[1]!;
    const bytes = await readSecondKeyframe();
    const file = await readFile(path);
    expect(bytes!.equals(file.subarray(second.position, second.position! + bytes!.length))).toBe(true);
    // The first NAL unit of the second group: its length is in front of it.
    expect(bytes!.readUInt32BE(0)).toBeLessThan(bytes!.length);
  });

  it.each([
    { what: "frames are shown before their decode time", flags: "negative_cts_offsets", minBytes: 1 },
    { what: "there is an index of subsegments", flags: "dash", minBytes: 1 },
    { what: "headers are close to each other", flags: "default_base_moof", minBytes: 2 ** 20 },
  ])("aren't used where $what", async ({ what, flags, minBytes }) => {
    const source = await rangedFile(await fragmented(`${what}.mp4`, flags));
    expect(await readFragmentIndex(source, 0, NEVER, minBytes)).toBeUndefined();
  });

  it("aren't used where one of them is damaged, or the file ends within a fragment", async () => {
    const file = await readFile(await fragmented("whole.mp4", "default_base_moof"));
    const sourceOf = (bytes: Buffer): RangedSource => ({
      size: bytes.length,
      async *read(start, end) {
        yield bytes.subarray(start, end + 1);
      },
    });
    const third = [...file.toString("latin1").matchAll(/moof/g)][2]!.index;
    const damaged = Buffer.from(file).fill(0, third - 4, third + 400);
    expect(await readFragmentIndex(sourceOf(damaged), 0, NEVER, 1)).toBeUndefined();
    expect(await readFragmentIndex(sourceOf(file.subarray(0, -40_000)), 0, NEVER, 1)).toBeUndefined();
  });

  it("are what a video is cut by, whole or from a later segment on", async () => {
    const path = await fragmented("cut.mp4", "default_base_moof");
    const cutInto = async (name: string, options: Partial<CutOptions>) => {
      const directory = join(await folder, name);
      await mkdir(directory);
      return cutFile(path, { cut: "keyframe", segmentSeconds: 1, directory, ...options });
    };
    const whole = await cutInto("whole", {});
    const later = await cutInto("later", { from: 2, last: 2, index: whole.index });
    for (const { ending, warnings } of [whole, later]) expect([ending, warnings]).toEqual([{ type: "complete" }, []]);
    expect(whole.segments.map(({ proof }) => proof.frames)).toEqual([25, 25, 25, 25]);
    expect((await readFile(later.files[0]!)).equals(await readFile(whole.files[2]!))).toBe(true);
  });

  it("are in the cache once the file is described: planning fetches next to nothing", async () => {
    const path = await fragmented("planned.mp4", "default_base_moof");
    const { source, counts } = counted(await rangedFile(path));
    const limits = { memoryBytes: 2 ** 20, blockBytes: 8_192, maxFetchBytes: 2 ** 17, maxFetchesAhead: 3 };
    const media = await openFile(path, { source, readAhead: limits });
    try {
      const described = await media.describe(NEVER);
      const before = counts.bytes;
      let packets = 0;
      await described.scan(NEVER, () => {
        packets += 1;
      });
      expect(packets).toBe(25 * SECONDS);
      // Some headers and the second keyframe, which other bytes had replaced in so small a memory.
      expect(counts.bytes - before).toBeLessThan(source.size / 8);
    } finally {
      await media.close();
    }
  });
});
