import { describe, expect, it } from "vitest";
import { av1Configuration, readSequenceHeader } from "../../../services/ffmpeg/formats/av1/sequence-header.ts";
import { av1Reader, metadataUnits, withUnits } from "../../../services/ffmpeg/formats/av1/stream.ts";
import { childOf, elementsIn, unsigned } from "../../../services/ffmpeg/formats/matroska/ebml.ts";
import { ID } from "../../../services/ffmpeg/formats/matroska/ids.ts";
import type { MatroskaTrack, StreamPacket } from "../../../services/ffmpeg/formats/matroska/reader.ts";
import { bytesOf } from "../../../services/ffmpeg/formats/nal/bits.ts";

const UNREADABLE = expect.objectContaining({ code: "CutFailed", reason: "UnreadableMedia" });

/** Profile 0, no timing, one operating point of level 5, sizes of 8 bits, all tools off. */
const START = `000 0 0 0 0 00000 ${"0".repeat(12)} 00101 0111 0111 ${"0".repeat(16)} 0 000 0000 0 1 1 000`;
const header = (colours: string): Buffer => bytesOf(`${START}${colours}1`.replaceAll(" ", ""));

/** High bit depth, not monochrome, BT.2020 with PQ, limited range, chroma at the left. */
const TEN_BITS = header(`1 0 1 ${"00001001".repeat(3)} 0 01`);

describe("an AV1 sequence header", () => {
  it("has the fields of the decoder configuration", () => {
    expect(readSequenceHeader(TEN_BITS)).toEqual({
      ...{ profile: 0, level: 5, tier: 0, isHighDepth: true, isTwelveBit: false, isMonochrome: false },
      ...{ subsampling: [1, 1], chromaPosition: 1 },
    });
    expect(readSequenceHeader(header("0 1 0 0"))).toMatchObject({ isHighDepth: false, isMonochrome: true });
    const unit = Buffer.from([0x0a, 0]);
    expect(av1Configuration(readSequenceHeader(TEN_BITS), unit)).toEqual(Buffer.from([0x81, 5, 0x4d, 0, 0x0a, 0]));
  });

  it("is read behind timing, decoder model, operating points, frame ids and forced tools", () => {
    const timing = `1 ${"1".repeat(64)} 1 001 01 1 00011 ${"1".repeat(32)} 00100 00100`;
    // The first point has a level with a tier, parameters of the decoder model and a delay.
    const points = `1 00001 ${"0".repeat(12)} 01001 1 1 ${"10".repeat(4)} 1 1 0101 ${"0".repeat(12)} 00101 0 0`;
    const sizes = `0111 0111 ${"0".repeat(16)} 1 0000 000 000`;
    const tools = "0000 1 00 0 1 0 1 011 000";
    const whole = (profile: string, colours: string) =>
      readSequenceHeader(
        bytesOf(`${profile} 0 0 ${timing} ${points} ${sizes} ${tools} ${colours}`.replaceAll(" ", "")),
      );
    const found = { level: 9, tier: 1, isMonochrome: false };
    expect(whole("001", "1 0 0 1")).toMatchObject({ ...found, profile: 1, isHighDepth: true, subsampling: [0, 0] });
    expect(whole("010", "1 1 0 0 0 1 1 10")).toMatchObject({
      ...{ ...found, profile: 2, isTwelveBit: true, subsampling: [1, 1], chromaPosition: 2 },
    });
    expect(whole("010", "1 0 0 0 0")).toMatchObject({ ...found, isTwelveBit: false, subsampling: [1, 0] });
    const rgb = `1 ${[1, 13, 0].map((value) => value.toString(2).padStart(8, "0")).join("")}`;
    expect(whole("001", `0 ${rgb}`)).toMatchObject({ ...found, isHighDepth: false, subsampling: [0, 0] });
  });

  it("of a still picture has its level and few fields more", () => {
    const bits = `000 1 1 00101 0111 0111 ${"0".repeat(16)} 000 000 0 0 0 0 01 0`;
    const found = readSequenceHeader(bytesOf(bits.replaceAll(" ", "")));
    expect(found).toMatchObject({ profile: 0, level: 5, tier: 0, subsampling: [1, 1], chromaPosition: 1 });
  });

  it("is rejected when it's incomplete", () => {
    for (let length = 0; length < TEN_BITS.length - 1; length += 1)
      expect(() => readSequenceHeader(TEN_BITS.subarray(0, length))).toThrow(UNREADABLE);
  });
});

/** An OBU with its size. */
const unit = (type: number, payload: Buffer) =>
  Buffer.concat([Buffer.from([(type << 3) | 2, payload.length]), payload]);
const DELIMITER = unit(2, Buffer.alloc(0));
const SEQUENCE = unit(1, TEN_BITS);
const FRAME = unit(6, Buffer.from("abc"));

function ivf(...frames: Buffer[]): Buffer {
  const file = Buffer.alloc(32);
  file.write("DKIF");
  file.writeUInt16LE(176, 12);
  file.writeUInt16LE(144, 14);
  const parts = frames.map((frame) => {
    const head = Buffer.alloc(12);
    head.writeUInt32LE(frame.length);
    return Buffer.concat([head, frame]);
  });
  return Buffer.concat([file, ...parts]);
}

async function read(bytes: Buffer, sampleAspect: string | undefined = undefined) {
  let tracks: MatroskaTrack[] = [];
  const packets: StreamPacket[] = [];
  const stream = async function* () {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
  };
  await av1Reader({ sampleAspect, language: "fre" })(
    stream(),
    (found) => {
      tracks = found;
    },
    (packet) => void packets.push(packet),
  );
  return { tracks, packets };
}

describe("an AV1 stream", () => {
  it("is read as packets without temporal delimiters and a track with the decoder configuration", async () => {
    const bytes = ivf(Buffer.concat([DELIMITER, SEQUENCE, FRAME]), Buffer.concat([DELIMITER, FRAME]));
    const { tracks, packets } = await read(bytes, "12:11");
    expect(packets).toMatchObject([
      { key: true, data: Buffer.concat([SEQUENCE, FRAME]) },
      { key: false, data: FRAME },
    ]);
    const [{ entry, codecPrivate }] = tracks as [MatroskaTrack];
    expect(codecPrivate!.subarray(4)).toEqual(SEQUENCE);
    const [track] = [...elementsIn(entry)];
    expect(childOf(track!.body, ID.CodecID)!.toString()).toBe("V_AV1");
    const video = childOf(track!.body, ID.Video)!;
    expect(unsigned(childOf(video, ID.PixelWidth))).toBe(176);
    expect(unsigned(childOf(video, ID.DisplayWidth))).toBe(176 * 12);
    expect(unsigned(childOf(video, ID.DisplayHeight))).toBe(144 * 11);
    expect(childOf(track!.body, ID.Language)!.toString()).toBe("fre");
  });

  it("ends where it's truncated; is rejected without a sequence header, and with a wrong size", async () => {
    expect((await read(ivf(Buffer.concat([SEQUENCE, FRAME])).subarray(0, 60))).packets).toEqual([]);
    await expect(read(ivf(FRAME))).rejects.toThrow(UNREADABLE);
    await expect(read(ivf(Buffer.from([0x0a, 0x20, 0])))).rejects.toThrow(UNREADABLE);
    await expect(read(ivf(Buffer.from([0x08, 0x20])))).rejects.toThrow(UNREADABLE);
  });
});

describe("AV1 mastering metadata", () => {
  const light = unit(5, Buffer.from([1, 3, 232, 1, 144]));
  const scalability = unit(5, Buffer.from([3, 0]));

  it("is added behind the sequence header of a keyframe that has none", () => {
    const source = Buffer.concat([DELIMITER, SEQUENCE, light, scalability, FRAME]);
    expect(metadataUnits(source)).toEqual([light]);
    const written = withUnits(Buffer.concat([SEQUENCE, FRAME]), [light]);
    expect(written).toEqual(Buffer.concat([SEQUENCE, light, FRAME]));
    expect(withUnits(written, [light])).toEqual(written);
  });
});
