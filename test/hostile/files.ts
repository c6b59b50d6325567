import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { box, words } from "../fixtures/boxes.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { tags, tagsInOne, voids, withElements } from "./ebml.ts";
import { boxAt, changed, emptyBoxes, extended, iTunesTags, replaced } from "./iso.ts";

/** What must come of a file: with both cuts, or with each. */
export type Expected = "split" | "rejected" | "either";

/** A file that needs as much as a split may use, or far more. */
export type HostileFile = {
  /** With its extension. */
  name: string;
  keyframe: Expected;
  exact: Expected;
  /** Whether it's made and split in no time: these are in the gate. */
  isQuick?: boolean;
  make(path: string): Promise<void>;
};

const SMALL = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=10:duration=2"];
const AUDIO = ["-f", "lavfi", "-i", "sine=duration=2"];
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10"];
const TABLES = ["moov", "trak", "mdia", "minf", "stbl"];

const small = (path: string, ...more: string[]): Promise<void> => ffmpeg(...SMALL, ...X264, ...more, path);

/** A small MP4 that is changed. */
const mp4 = (change: (bytes: Buffer) => Buffer) => async (path: string) => {
  await small(path);
  await changed(path, change);
};

/** A small Matroska file with more elements. Written as a live one it has no index that would point to wrong places. */
const matroska =
  (...elements: readonly Buffer[]) =>
  async (path: string) => {
    await small(path, "-f", "matroska", "-live", "1");
    await changed(path, (bytes) => withElements(bytes, ...elements));
  };

const repeatedTracks = (size: string, count: number) => async (path: string) => {
  await ffmpeg("-f", "lavfi", "-i", `color=size=${size}:duration=0.04:rate=25`, ...X264, path);
  await changed(path, (bytes) => {
    const track = boxAt(bytes, "moov", "trak");
    return extended(bytes, ["moov", "trak"], ...Array<Buffer>(count - 1).fill(track));
  });
};

const audioTracks = (count: number, encoder: string) => (path: string) =>
  ffmpeg(
    ...[...SMALL, ...AUDIO, "-map", "0:v", ...Array<string[]>(count).fill(["-map", "1:a"]).flat()],
    ...[...X264, "-c:a", encoder, path],
  );

const MEGABYTE = 2 ** 20;

/** One packet of H.264 so large, filled with a pattern behind its first bytes. */
const largePacket = (megabytes: number, unit: Buffer, fill: Buffer) => async (path: string) => {
  await small(path);
  await changed(path, (bytes) => {
    const packet = Buffer.alloc(megabytes * MEGABYTE, fill);
    unit.copy(packet, 4);
    packet.writeUInt32BE(packet.length - 4);
    const sizes = words(0, 0, 20, packet.length, ...Array<number>(19).fill(1));
    const without = replaced(bytes, [...TABLES, "stsz"], box("stsz", sizes));
    const at = without.length + 8;
    const chunks = box("stco", words(0, 1, at));
    const places = replaced(without, [...TABLES, "stco"], chunks);
    const moved = at + (places.length - without.length);
    places.writeUInt32BE(moved, places.lastIndexOf("stco") + 12);
    const runs = replaced(places, [...TABLES, "stsc"], box("stsc", words(0, 1, 1, 20, 1)));
    const shift = runs.length - places.length;
    runs.writeUInt32BE(moved + shift, runs.lastIndexOf("stco") + 12);
    return Buffer.concat([runs, box("mdat", packet, Buffer.alloc(19))]);
  });
};

const ZEROS = Buffer.from([0]);
const ESCAPES = Buffer.from([0, 0, 3]);
const SLICE = Buffer.from([0x65, 0x88]);
const MESSAGE = Buffer.from([0x06, 0x04]);

/** Samples of one byte each, declared by an index of a few bytes. */
const statedSamples = (count: number) =>
  mp4((bytes) => {
    const sizes = replaced(bytes, [...TABLES, "stsz"], box("stsz", words(0, 1, count)));
    return replaced(sizes, [...TABLES, "stts"], box("stts", words(0, 1, count, 1)));
  });

/** As many samples as its tables have entries, each in the file. */
const listedSamples = (count: number) =>
  mp4((bytes) => {
    const repeat = (...entry: number[]) => Buffer.alloc(count * entry.length * 4, words(...entry));
    let file = replaced(bytes, [...TABLES, "stsz"], box("stsz", words(0, 0, count), repeat(1)));
    file = replaced(file, [...TABLES, "stts"], box("stts", words(0, count), repeat(1, 1)));
    file = replaced(file, [...TABLES, "stsc"], box("stsc", words(0, 1, 1, count, 1)));
    file = replaced(file, [...TABLES, "stco"], box("stco", words(0, 1, 48)));
    return Buffer.concat([file, box("free", Buffer.alloc(count))]);
  });

const video =
  (size: string, frames: number, ...encoder: string[]) =>
  (path: string) =>
    ffmpeg("-f", "lavfi", "-i", `color=gray:size=${size}:rate=10`, "-frames:v", String(frames), ...encoder, path);

const AVC = [...X264, "-g", "100"];
const HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=100"];

/** Audio that comes before the first frame in the file. PCM of 384,000 bytes a second. */
const earlyAudio = (seconds: number) => async (path: string) => {
  const audio = ["-f", "lavfi", "-i", `anullsrc=r=96000:cl=stereo:d=${seconds}`];
  const late = ["-itsoffset", String(seconds)];
  const tracks = ["-map", "0:v", "-map", "1:a", "-c:a", "pcm_s16le", "-max_interleave_delta", "0"];
  await ffmpeg(...late, ...SMALL, ...audio, ...tracks, ...X264, path);
};

const fragments = (count: number) => async (path: string) => {
  const source = ["-f", "lavfi", "-i", `color=size=16x16:rate=100:duration=${count / 100}`];
  await ffmpeg(...source, ...X264, "-movflags", "frag_every_frame+empty_moov", path);
};

const chapters = (count: number) => async (path: string) => {
  const text = [
    ";FFMETADATA1",
    ...Array.from(
      { length: count },
      (_, n) => `t${n % 1_000}=v\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=${n}\nEND=${n + 1}\ntitle=c${n}`,
    ),
  ];
  const file = `${path}.txt`;
  await writeFile(file, text.join("\n"));
  await ffmpeg(...SMALL, "-i", file, "-map", "0:v", "-map_metadata", "1", "-map_chapters", "1", ...X264, path);
};

/** A program stream's worth of tracks in a transport stream. */
const pids = (count: number) => (path: string) =>
  ffmpeg(
    ...SMALL,
    ...AUDIO,
    "-map",
    "0:v",
    ...Array<string[]>(count).fill(["-map", "1:a"]).flat(),
    ...X264,
    "-c:a",
    "mp2",
    path,
  );

const both = (expected: Expected) => ({ keyframe: expected, exact: expected });

/** Forty files, by the limit that they reach or exceed. */
export const HOSTILE_FILES: readonly HostileFile[] = [
  { name: "tracks-hd-100.mp4", ...both("split"), make: repeatedTracks("1920x1080", 100) },
  { name: "tracks-hd-256.mp4", ...both("either"), make: repeatedTracks("1920x1080", 256) },
  { name: "tracks-hd-257.mp4", ...both("rejected"), isQuick: true, make: repeatedTracks("1920x1080", 257) },
  { name: "tracks-small-256.mp4", ...both("split"), make: repeatedTracks("64x36", 256) },
  { name: "tracks-small-5000.mp4", ...both("rejected"), make: repeatedTracks("64x36", 5_000) },
  { name: "audio-32.mp4", ...both("split"), make: audioTracks(32, "aac") },
  { name: "audio-48.mkv", ...both("split"), make: audioTracks(48, "pcm_s16le") },
  { name: "audio-49.mkv", ...both("rejected"), isQuick: true, make: audioTracks(49, "pcm_s16le") },
  { name: "audio-250.mkv", ...both("rejected"), make: audioTracks(250, "pcm_s16le") },
  { name: "audio-40.ts", ...both("split"), make: pids(40) },
  { name: "tags-1000.mkv", ...both("split"), make: matroska(tags(1_000)) },
  { name: "tags-2500.mkv", ...both("rejected"), make: matroska(tags(2_500)) },
  { name: "tags-10000.mkv", ...both("rejected"), make: matroska(tags(10_000)) },
  { name: "tags-100000-in-one.mkv", ...both("either"), make: matroska(tagsInOne(100_000)) },
  {
    name: "tags-1000.mp4",
    ...both("split"),
    make: mp4((bytes) => extended(bytes, ["moov", "trak"], iTunesTags(1_000))),
  },
  {
    name: "tags-30000.mp4",
    ...both("either"),
    make: mp4((bytes) => extended(bytes, ["moov", "trak"], iTunesTags(30_000))),
  },
  { name: "chapters-500.mkv", ...both("split"), make: chapters(500) },
  { name: "chapters-20000.mkv", ...both("either"), make: chapters(20_000) },
  { name: "elements-1000000.mkv", ...both("either"), make: matroska(voids(1_000_000)) },
  { name: "elements-20000000.mkv", ...both("either"), make: matroska(voids(20_000_000)) },
  { name: "boxes-900.mp4", ...both("split"), make: mp4((bytes) => extended(bytes, ["moov", "trak"], emptyBoxes(900))) },
  {
    name: "boxes-1100.mp4",
    ...both("rejected"),
    isQuick: true,
    make: mp4((bytes) => extended(bytes, ["moov", "trak"], emptyBoxes(1_100))),
  },
  {
    name: "boxes-8000000.mp4",
    ...both("rejected"),
    make: mp4((bytes) => extended(bytes, ["moov", "trak"], emptyBoxes(8_000_000))),
  },
  {
    name: "boxes-in-a-track-8000000.mp4",
    ...both("either"),
    make: mp4((bytes) => extended(bytes, ["moov", "trak", "mdia", "hdlr"], emptyBoxes(8_000_000))),
  },
  { name: "nal-zeros-70.mp4", ...both("either"), make: largePacket(70, SLICE, ZEROS) },
  { name: "nal-zeros-100.mp4", ...both("rejected"), make: largePacket(100, SLICE, ZEROS) },
  { name: "nal-escapes-70.mp4", ...both("either"), make: largePacket(70, MESSAGE, ESCAPES) },
  { name: "nal-escapes-100.mp4", ...both("rejected"), make: largePacket(100, MESSAGE, ESCAPES) },
  { name: "samples-4000000000.mp4", ...both("either"), make: statedSamples(4_000_000_000) },
  { name: "samples-16000000.mp4", ...both("either"), make: statedSamples(16_000_000) },
  { name: "listed-samples-900000.mp4", ...both("rejected"), make: listedSamples(900_000) },
  { name: "listed-samples-8000000.mp4", ...both("rejected"), make: listedSamples(8_000_000) },
  { name: "video-4k.mp4", ...both("split"), make: video("3840x2160", 20, ...AVC) },
  { name: "video-5k.mp4", ...both("split"), make: video("5312x2988", 20, ...AVC) },
  {
    name: "video-4k-ten-bits.mp4",
    ...both("split"),
    make: video("3840x2160", 20, ...HEVC, "-pix_fmt", "yuv420p10le"),
  },
  { name: "video-8k.mp4", keyframe: "split", exact: "rejected", make: video("7680x4320", 20, ...AVC) },
  {
    name: "video-8k-sixteen-references.mp4",
    keyframe: "either",
    exact: "rejected",
    make: video("7680x4320", 30, ...AVC, "-refs", "16"),
  },
  { name: "video-8192.mp4", keyframe: "split", exact: "rejected", make: video("8192x8192", 20, ...AVC) },
  {
    name: "video-16384.mp4",
    ...both("rejected"),
    make: video("16384x8192", 1, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
  },
  { name: "early-audio-60.mkv", ...both("split"), make: earlyAudio(150) },
  { name: "early-audio-120.mkv", ...both("either"), make: earlyAudio(320) },
  { name: "fragments-20000.mp4", ...both("split"), make: fragments(20_000) },
];

/** Makes a file in a folder, and says where it is. */
export async function make({ name, make }: HostileFile, folder: string): Promise<string> {
  const path = join(folder, name);
  await make(path);
  await readFile(path, { encoding: null, flag: "r" });
  return path;
}
