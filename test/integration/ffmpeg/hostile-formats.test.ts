import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { mp4HeaderOf } from "../../../services/ffmpeg/formats/iso/fragments.ts";
import { adtsTrack } from "../../../services/ffmpeg/formats/matroska/adts-track.ts";
import { readMatroska } from "../../../services/ffmpeg/formats/matroska/reader.ts";
import { matroskaHeader } from "../../../services/ffmpeg/formats/matroska/writer.ts";
import {
  avcParameterSets,
  hevcParameterSets,
  mergedAvcConfiguration,
  usesFourByteLengths,
  withoutSets,
} from "../../../services/ffmpeg/formats/nal/decoder-configuration.ts";
import { NalReader, pictureHasher } from "../../../services/ffmpeg/formats/nal/units.ts";
import { readSampleTable } from "../../../services/ffmpeg/source/sample-table.ts";
import { isTruncated } from "../../../services/ffmpeg/source/truncation.ts";
import { cpuMilliseconds } from "../../fixtures/cpu-time.ts";
import { NEVER } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { mutated } from "../../fixtures/mutate.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** For any bytes, parsers must return a value or undefined, or throw this error. */
const isUnreadable = (error: unknown): boolean =>
  (error as { code?: string }).code === "CutFailed" && (error as { reason?: string }).reason === "UnreadableMedia";

/** Milliseconds of CPU that a parser may take for a few KB. */
const MAX_MS = 2_000;

async function fuzz(original: Buffer, count: number, parse: (bytes: Buffer) => unknown) {
  const endings = { value: 0, unreadable: 0 };
  for (let seed = 0; seed < count; seed += 1) {
    const begin = cpuMilliseconds();
    try {
      await parse(mutated(original, seed));
      endings.value += 1;
    } catch (error) {
      if (!isUnreadable(error)) throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      endings.unreadable += 1;
    }
    const took = cpuMilliseconds() - begin;
    if (took > MAX_MS) throw new Error(`seed ${seed} took ${took.toFixed(0)} ms`);
  }
  return endings;
}

const ranged = (bytes: Buffer) => ({
  size: bytes.length,
  async *read(start: number, end: number) {
    yield bytes.subarray(start, end + 1);
  },
});

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=1:size=64x36:rate=25"];
const AUDIO = ["-f", "lavfi", "-i", "sine=duration=1"];
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "10"];
const X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error"];

async function make(name: string, ...args: string[]): Promise<Buffer> {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...args, path);
  return readFile(path);
}

/** Without the packets' bytes, which are most of a file and irrelevant to a parser. */
const withoutMedia = (bytes: Buffer): Buffer => {
  const media = bytes.indexOf("mdat") - 4;
  return Buffer.concat([bytes.subarray(0, media), bytes.subarray(media + bytes.readUInt32BE(media))]);
};

/** The body of the first box of a type. */
const boxOf = (bytes: Buffer, type: string): Buffer => {
  const at = bytes.indexOf(type) - 4;
  return bytes.subarray(at + 8, at + bytes.readUInt32BE(at));
};

describe("damaged headers", () => {
  it("of MP4: an index is read or ignored, in bounded time", async () => {
    const file = await make("film.mp4", ...VIDEO, ...AUDIO, ...X264);
    const parse = async (bytes: Buffer) => {
      await isTruncated(ranged(bytes), "mov,mp4", NEVER);
      let left = 1_000;
      const table = await readSampleTable(ranged(bytes), 0, NEVER);
      await table?.readSecondKeyframe();
      for (const _ of table?.packets ?? []) if (--left === 0) break;
    };
    // Its chunks are beyond the end then, so half of the tries keep the media.
    await fuzz(withoutMedia(file), 1_500, parse);
    await fuzz(file, 1_500, parse);
    await fuzz(boxOf(file, "moov"), 200, parse);
  });

  it("of Matroska and AVI: packets are read, or the stream is rejected", async () => {
    const file = await make("film.mkv", ...VIDEO, ...AUDIO, ...X264);
    const head = file.subarray(0, 3_000);
    const endings = await fuzz(head, 1_500, async (bytes) => {
      await isTruncated(ranged(bytes), "matroska,webm", NEVER);
      await readMatroska(
        Readable.from([bytes]),
        (tracks) => void matroskaHeader(tracks),
        () => {},
      );
    });
    expect(endings.unreadable).toBeGreaterThan(50);
    const riff = (await make("film.avi", ...VIDEO, "-c:v", "mpeg4")).subarray(0, 1_000);
    await fuzz(riff, 200, (bytes) => isTruncated(ranged(bytes), "avi", NEVER));
  });

  it("of decoder configurations: parameter sets are found, or the configuration is rejected", async () => {
    const fragmented = ["-movflags", "empty_moov+default_base_moof+frag_keyframe"];
    for (const [codec, encoder] of [
      ["h264", X264],
      ["hevc", X265],
    ] as const) {
      const file = await make(`${codec}.mp4`, ...VIDEO, ...encoder, ...fragmented);
      const sets = codec === "h264" ? avcParameterSets : hevcParameterSets;
      const configuration = mp4HeaderOf(file, codec).configuration;
      const endings = await fuzz(configuration, 1_000, (bytes) => {
        usesFourByteLengths(bytes, codec);
        withoutSets(bytes, codec);
        if (codec === "h264") mergedAvcConfiguration(configuration, bytes);
        return sets(bytes);
      });
      expect(endings.unreadable).toBeGreaterThan(100);
      await fuzz(file.subarray(0, file.indexOf("moof")), 1_000, (bytes) => {
        const head = mp4HeaderOf(bytes, codec).withClock(90_000);
        return head.withConfiguration(head.configuration).bytes;
      });
    }
  });

  it("of packets: NAL units are found or not", async () => {
    const packet = boxOf(await make("one.mp4", ...VIDEO, ...X264, "-frames:v", "1"), "mdat");
    const startCoded = (await make("one.h264", ...VIDEO, ...X264, "-frames:v", "1")).subarray(0, 2_000);
    for (const original of [packet, startCoded]) {
      await fuzz(original, 500, (bytes) => {
        new NalReader().framed(bytes);
        pictureHasher("h264")(bytes);
        pictureHasher("hevc")(bytes);
      });
    }
    const adts = (await make("one.aac", ...AUDIO)).subarray(0, 32);
    await fuzz(adts, 500, (bytes) => adtsTrack(bytes, "und"));
  });
});
