import { describe, expect, it } from "vitest";
import { psnr, sampledRanks } from "../../../services/ffmpeg/exact/anchored/drift.ts";
import { BitReader } from "../../../services/ffmpeg/formats/h264/bit-reader.ts";
import { appendBits, BitWriter } from "../../../services/ffmpeg/formats/h264/bit-writer.ts";
import {
  parsePictureParameterSet,
  writePictureParameterSet,
} from "../../../services/ffmpeg/formats/h264/picture-parameter-set.ts";
import { H264Refusal, orRefusal } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import {
  maxDpbFrames,
  parseSequenceParameterSet,
  withRestriction,
} from "../../../services/ffmpeg/formats/h264/sequence-parameter-set.ts";
import { withoutTiming } from "../../../services/ffmpeg/formats/nal/sei-messages.ts";

type SetOptions = { profile?: number; orderType?: number; isProgressive?: boolean; hasVui?: boolean };

/** A sequence parameter set of 1920x1080, level 4, with cropping and without bitstream_restriction. */
function sequenceSet({ profile = 77, orderType = 0, isProgressive = true, hasVui = false }: SetOptions = {}): Buffer {
  const writer = new BitWriter();
  for (const byte of [profile, 0, 40]) writer.u(8, byte);
  for (const value of [0, 0, orderType]) writer.ue(value);
  if (orderType === 0) writer.ue(2);
  writer.ue(4);
  writer.flag(false);
  for (const value of [119, isProgressive ? 67 : 33]) writer.ue(value);
  writer.flag(isProgressive);
  if (!isProgressive) writer.flag(true);
  writer.flag(true);
  writer.flag(true);
  for (const value of [0, 0, 0, 4]) writer.ue(value);
  writer.flag(hasVui);
  // No fields, but pic_struct_present_flag, and no restriction.
  if (hasVui) writer.u(9, 0b000000010);
  writer.trailing();
  return Buffer.concat([Buffer.from([0x67]), writer.bytes()]);
}

describe("a sequence parameter set", () => {
  it("has the coded size, what is cropped, and the limits of its numbers", () => {
    expect(parseSequenceParameterSet(sequenceSet())).toMatchObject({
      ...{ codedWidth: 1_920, codedHeight: 1_088, crop: { left: 0, right: 0, top: 0, bottom: 8 } },
      ...{ maxFrameNum: 16, maxPicOrderCntLsb: 64, maxNumRefFrames: 4, restriction: undefined },
    });
    expect(maxDpbFrames(parseSequenceParameterSet(sequenceSet()))).toBe(4);
  });

  it.each([false, true])("gets a bitstream_restriction (VUI: %s), and keeps the one that it has", (hasVui) => {
    const unit = sequenceSet({ hasVui });
    const restriction = { maxNumReorderFrames: 2, maxDecFrameBuffering: 4 };
    const restricted = withRestriction(unit, parseSequenceParameterSet(unit), restriction);
    const { restriction: found, restrictionAt, vuiAt: _, ...rest } = parseSequenceParameterSet(restricted);
    expect(found).toEqual(restriction);
    expect(parseSequenceParameterSet(unit)).toMatchObject(rest);
    const again = { maxNumReorderFrames: 0, maxDecFrameBuffering: 1 };
    expect(withRestriction(restricted, parseSequenceParameterSet(restricted), again)).toBe(restricted);
    expect(restrictionAt).toBeDefined();
  });

  it.each([
    ["profile", { profile: 88 }],
    ["picture order count type", { orderType: 1 }],
    ["interlaced", { isProgressive: false }],
  ] as const)("is refused for its %s", (reason, options) => {
    expect(orRefusal(() => parseSequenceParameterSet(sequenceSet(options)))).toMatchObject({ reason });
  });

  it("is refused at every length that is too short", () => {
    const unit = sequenceSet({ hasVui: true });
    for (let length = 1; length < unit.length - 2; length += 1)
      expect(orRefusal(() => parseSequenceParameterSet(unit.subarray(0, length)))).toBeInstanceOf(H264Refusal);
  });
});

it.each([false, true])("a picture parameter set is read as it was written (flat scaling lists: %s)", (isFlat) => {
  const set = {
    ...{ id: 3, sequenceId: 0, isCabac: true, hasBottomFieldOrder: false, defaultActive: [2, 1] as const },
    ...{ weightedPred: false, weightedBipredIdc: 0, picInitQpMinus26: -18, picInitQsMinus26: 0 },
    ...{ chromaQpIndexOffset: -2, hasDeblockingControl: true, constrainedIntraPred: false, hasRedundantPicCnt: false },
    ...{ transform8x8Mode: true, hasScalingMatrix: false, secondChromaQpIndexOffset: -2 },
  };
  expect(parsePictureParameterSet(writePictureParameterSet(set, isFlat))).toEqual({ ...set, hasScalingMatrix: isFlat });
});

it("Exp-Golomb codes are read as they were written", () => {
  const writer = new BitWriter();
  const values = [0, 1, 2, 7, 8, 255, 65_535, 2 ** 31 - 2];
  for (const value of values) writer.ue(value);
  for (const value of values) writer.se(-value / 2 + (value % 2) / 2 + 0);
  const reader = new BitReader(writer.bytes());
  expect(values.map(() => reader.ue())).toEqual(values);
  expect(values.map(() => reader.se())).toEqual(values.map((value) => -value / 2 + (value % 2) / 2 + 0));
  expect(() => new BitWriter().ue(-1)).toThrow(H264Refusal);
});

it("bits are appended at any position", () => {
  const bytes = Buffer.from([0b10110011, 0b01011100, 0b11110000]);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  for (let from = 0; from < 12; from += 1)
    for (let head = 1; head < 16; head += 1) {
      const joined = appendBits(Buffer.alloc(Math.ceil(head / 8)), head, bytes, from, 22);
      const found = [...joined].map((byte) => byte.toString(2).padStart(8, "0")).join("");
      expect(found.slice(head, head + 22 - from)).toBe(bits.slice(from, 22));
    }
});

it("messages about decoding times are left out, and others kept", () => {
  const captions = [4, 2, 0xb5, 0x31];
  const timing = [1, 1, 0x12];
  const unit = Buffer.from([6, ...timing, ...captions, 0x80]);
  const delimiter = Buffer.from([9, 0x30]);
  expect(withoutTiming("h264", [delimiter, unit])).toEqual([delimiter, Buffer.from([6, ...captions, 0x80])]);
  expect(withoutTiming("h264", [Buffer.from([6, ...timing, 0x80])])).toEqual([]);
});

describe("drift", () => {
  const format = { size: [2, 2] as [number, number], bytes: 6, bytesPerSample: 1, peak: 255 } as const;

  it("is measured over all samples", () => {
    const one = Buffer.from([10, 10, 10, 10, 10, 10]);
    expect(psnr(one, Buffer.from([10, 10, 10, 10, 10, 16]), format)).toBeCloseTo(10 * Math.log10((255 ** 2 * 6) / 36));
    expect(psnr(one, Buffer.from(one), format)).toBe(100);
    const deep = { ...format, bytes: 4, bytesPerSample: 2, peak: 1_023 } as const;
    const [low, high] = [Buffer.from([0, 1, 0, 0]), Buffer.from([0, 2, 0, 0])];
    expect(psnr(low, high, deep)).toBeCloseTo(10 * Math.log10((1_023 ** 2 * 2) / 256 ** 2));
  });

  it("is measured of the first copy, the last one in decode order, and the last one shown", () => {
    const copies = [14, 12, 13, 18, 16, 15, 17];
    const large = { ...format, bytes: 48 * 2 ** 20 } as const;
    expect(sampledRanks(copies, large)).toEqual([14, 17, 18]);
    expect(sampledRanks(copies, format)).toEqual([12, 13, 14, 15, 16, 17, 18]);
    expect(sampledRanks([5], format)).toEqual([5]);
  });
});
