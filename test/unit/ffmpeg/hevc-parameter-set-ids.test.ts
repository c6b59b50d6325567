import { describe, expect, it } from "vitest";
import { bitsOf, bytesOf, escaped, golomb, golombAt, unescaped } from "../../../services/ffmpeg/formats/nal/bits.ts";
import { hevcArrays } from "../../../services/ffmpeg/formats/nal/decoder-configuration.ts";
import { RenumberedHevcSets } from "../../../services/ffmpeg/formats/nal/hevc-parameter-set-ids.ts";
import { lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";

const UNREADABLE = expect.objectContaining({ code: "CutFailed", reason: "UnreadableMedia" });

/** A NAL unit: header, these bits, and rbsp_trailing_bits. */
const unit = (type: number, bits: string): Buffer =>
  Buffer.concat([Buffer.from([type << 1, 1]), escaped(bytesOf(`${bits}1`))]);

const PROFILE = "0".repeat(88);
const LEVEL = "01011101";

const videoSet = (id: number) => unit(32, `${id.toString(2).padStart(4, "0")}1100`);
/** With one temporal layer, or with two, the first of which has its own profile and level. */
const sequenceSet = (video: number, id: number, layers = 1) =>
  unit(
    33,
    [
      video.toString(2).padStart(4, "0"),
      (layers - 1).toString(2).padStart(3, "0"),
      ...["1", PROFILE, LEVEL],
      layers === 1 ? "" : `11${"0".repeat(14)}${PROFILE}${LEVEL}`,
      ...[golomb(id), "0110100"],
    ].join(""),
  );
const pictureSet = (id: number, sequence: number) => unit(34, `${golomb(id)}${golomb(sequence)}0011`);

function hvcC(sets: readonly [number, Buffer[]][], level = 93): Buffer {
  const head = Buffer.alloc(23, 1);
  head[12] = level;
  head[22] = sets.length;
  const arrays = sets.flatMap(([type, units]) => [
    Buffer.from([0x80 | type, 0, units.length]),
    ...units.flatMap((one) => [Buffer.from([one.length >> 8, one.length & 0xff]), one]),
  ]);
  return Buffer.concat([head, ...arrays]);
}

const SOURCE = hvcC([
  [32, [videoSet(0), videoSet(15)]],
  [33, [sequenceSet(0, 0), sequenceSet(0, 15, 2)]],
  [34, [pictureSet(0, 0), pictureSet(30, 15)]],
]);
const ENCODED = hvcC(
  [
    [32, [videoSet(0)]],
    [33, [sequenceSet(0, 0)]],
    [34, [pictureSet(0, 0)]],
    [39, [unit(39, "00000101")]],
  ],
  120,
);

describe("bits of parameter sets", () => {
  it("are the same after escaping and coding", () => {
    const bytes = Buffer.from("000000000001000002000003ff0000", "hex");
    expect(unescaped(escaped(bytes))).toEqual(bytes);
    expect(escaped(bytes).includes(Buffer.from([0, 0, 1]))).toBe(false);
    for (let value = 0; value < 300; value += 1)
      expect(golombAt(`10${golomb(value)}1`, 2)).toEqual({ value, end: 2 + golomb(value).length });
    expect(() => golombAt("0001", 0)).toThrow(UNREADABLE);
  });
});

describe("HEVC parameter sets of an encoder", () => {
  it("get ids that the source doesn't use, and are stored with the source's", () => {
    const own = new RenumberedHevcSets([SOURCE]).configuration(ENCODED);
    expect(hevcArrays(own)).toEqual([
      { type: 32, isComplete: true, sets: [videoSet(14)] },
      { type: 33, isComplete: true, sets: [sequenceSet(14, 14)] },
      { type: 34, isComplete: true, sets: [pictureSet(29, 14)] },
    ]);
    const merged = new RenumberedHevcSets([SOURCE]).merged(SOURCE, own);
    expect(hevcArrays(merged).map(({ sets }) => sets.length)).toEqual([3, 3, 3]);
    expect(hevcArrays(merged)[2]!.sets[2]).toEqual(pictureSet(29, 14));
    expect(merged[12]).toBe(120);
  });

  it("are referred to by their pictures, which grow by one byte and are otherwise the same", () => {
    const sets = new RenumberedHevcSets([SOURCE]);
    const rest = Buffer.from("00000301ff00", "hex");
    const slice = (type: number, bits: string) => Buffer.concat([Buffer.from([type << 1, 1]), bytesOf(bits), rest]);
    const message = unit(39, "00000101");
    // Flags, id 0, and the rest. 29 is 000011110.
    const frame = lengthPrefixed([message, slice(19, "10110011"), slice(19, "00100000"), slice(1, "11000000")]);
    expect(sets.frame(frame)).toEqual(
      lengthPrefixed([
        message,
        slice(19, "1000001111010011"),
        slice(19, "0000001111000000"),
        slice(1, "1000011110000000"),
      ]),
    );
  });

  it("are rejected when no unique ids are left", () => {
    const sets = new RenumberedHevcSets([SOURCE]);
    expect(() => sets.frame(lengthPrefixed([Buffer.from([2, 1, 0x20])]))).toThrow(UNREADABLE);
    expect(() => sets.configuration(SOURCE)).toThrow(UNREADABLE);
    const other = Buffer.from(ENCODED);
    other[17] = 2;
    expect(() => sets.merged(SOURCE, other)).toThrow(UNREADABLE);
    const all = Array.from({ length: 16 }, (_, id) => videoSet(id));
    expect(() => new RenumberedHevcSets([hvcC([[32, all]])])).toThrow(UNREADABLE);
  });

  it("are the only ones when the source has its own in the stream", () => {
    const empty = hvcC([]);
    const sets = new RenumberedHevcSets([empty]);
    const merged = sets.merged(empty, sets.configuration(ENCODED));
    expect(hevcArrays(merged).map(({ type, isComplete }) => [type, isComplete])).toEqual([
      [32, false],
      [33, false],
      [34, false],
    ]);
    expect(bitsOf(hevcArrays(merged)[0]!.sets[0]!.subarray(2)).slice(0, 4)).toBe("1111");
  });
});
