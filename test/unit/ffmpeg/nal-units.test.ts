import { describe, expect, it } from "vitest";
import { isIdr, lengthPrefixed, NalReader, pictureHasher } from "../../../services/ffmpeg/formats/nal/units.ts";

const SPS = Buffer.from("6742001e", "hex");
const IDR = Buffer.from("658884aabbcc", "hex");
const SLICE = Buffer.from("41020304", "hex");
const startCoded = (...units: Buffer[]) =>
  Buffer.concat(units.flatMap((unit, at) => [Buffer.from(at === 0 ? "00000001" : "000001", "hex"), unit]));

describe("NAL units", () => {
  it("are found in both formats", () => {
    expect(new NalReader().units(startCoded(SPS, IDR))).toEqual([SPS, IDR]);
    expect(new NalReader().units(lengthPrefixed([SPS, IDR]))).toEqual([SPS, IDR]);
  });

  it("have the format of the stream's first packet, even when a start code looks like a valid length", () => {
    const reader = new NalReader();
    reader.units(startCoded(SPS, IDR));
    // 00 00 01 46: an access unit delimiter of HEVC, or the length 326 in a packet of 330 bytes.
    const packet = Buffer.alloc(330, 0x11);
    Buffer.from("0000014601500000000102", "hex").copy(packet);
    expect(reader.units(packet)?.map(({ length }) => length)).toEqual([3, 320]);
  });

  it("aren't found in a damaged packet, which is passed on unchanged", () => {
    const reader = new NalReader();
    reader.units(lengthPrefixed([SPS]));
    const broken = Buffer.from("0000ffff41", "hex");
    expect(reader.units(broken)).toBeUndefined();
    expect(reader.framed(broken)).toBe(broken);
  });

  it("aren't found in a stream with lengths of two bytes", () => {
    const short = (unit: Buffer) => Buffer.concat([Buffer.from([0, unit.length]), unit]);
    const reader = new NalReader();
    expect(reader.units(short(IDR))).toBeUndefined();
    expect(reader.framed(short(IDR))).toEqual(short(IDR));
    expect(reader.units(startCoded(IDR))).toEqual([IDR]);
  });

  it("are rejected when they are empty, or more than a picture has", () => {
    const zeros = Buffer.alloc(4_000_000);
    expect(new NalReader().units(zeros)).toBeUndefined();
    const tiny = Buffer.concat(Array<Buffer>(20_000).fill(Buffer.from("00000001ab", "hex")));
    expect(new NalReader().units(tiny)).toBeUndefined();
    const reader = new NalReader();
    reader.units(startCoded(IDR));
    expect(reader.units(Buffer.concat(Array<Buffer>(20_000).fill(Buffer.from("000001ab", "hex"))))).toBeUndefined();
  });

  it("are converted to length format from both formats", () => {
    expect(new NalReader().framed(startCoded(SPS, IDR))).toEqual(lengthPrefixed([SPS, IDR]));
  });

  it("show whether a picture is an IDR picture", () => {
    expect(isIdr("h264", lengthPrefixed([SPS, IDR]))).toBe(true);
    expect(isIdr("h264", lengthPrefixed([SLICE]))).toBe(false);
  });
});

describe("the hash of a picture", () => {
  it("is the same in both formats, with and without parameter sets", () => {
    const hashes = [startCoded(SPS, IDR), startCoded(IDR), lengthPrefixed([IDR])].map((packet) =>
      pictureHasher("h264")(packet),
    );
    expect(new Set(hashes).size).toBe(1);
  });

  it("changes with a bit of the picture", () => {
    const flipped = Buffer.from(IDR);
    flipped[4]! ^= 1;
    expect(pictureHasher("h264")(lengthPrefixed([flipped]))).not.toBe(pictureHasher("h264")(lengthPrefixed([IDR])));
  });

  it("covers the whole packet when its units can't be found", () => {
    const one = Buffer.from("0006658884aabbcc", "hex");
    const other = Buffer.from("0006658884aabbcd", "hex");
    expect(pictureHasher("h264")(one)).not.toBe(pictureHasher("h264")(other));
  });

  it("hashes a packet of zeros alike, whatever came before it", () => {
    const zeros = Buffer.alloc(64);
    const hash = pictureHasher("h264");
    const first = hash(zeros);
    hash(lengthPrefixed([SPS, IDR]));
    expect(hash(zeros)).toBe(first);
    expect(new NalReader().framed(zeros)).toBe(zeros);
  });

  it("covers the whole packet for other codecs", () => {
    expect(pictureHasher("vp9")(startCoded(SPS, IDR))).not.toBe(pictureHasher("vp9")(startCoded(IDR)));
  });
});
