import { describe, expect, it } from "vitest";
import {
  avcParameterSets,
  hevcParameterSets,
  mergedAvcConfiguration,
  withoutSets,
} from "../../../services/ffmpeg/formats/nal/decoder-configuration.ts";

const UNREADABLE = expect.objectContaining({ code: "CutFailed", reason: "UnreadableMedia" });
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** One sequence and one picture parameter set, and the four bytes of the High profiles. */
const AVC = hex("01 64001e ff e1 0003 67aabb 01 0002 68cc fdf8f800");
const OTHER = hex("01 64001e ff e1 0002 67dd 02 0002 68ee 0001 68");
/** One array of two sets. */
const HEVC = Buffer.concat([Buffer.alloc(22, 1), hex("01 a0 0002 0002 40aa 0001 40")]);

describe("parameter sets", () => {
  it("are read from an avcC and an hvcC", () => {
    expect(avcParameterSets(AVC)).toEqual([hex("67aabb"), hex("68cc")]);
    expect(hevcParameterSets(HEVC)).toEqual([hex("40aa"), hex("40")]);
  });

  it("of two streams are merged into one avcC", () => {
    const merged = mergedAvcConfiguration(AVC, OTHER);
    expect(merged).toEqual(hex("01 64001e ff e2 0003 67aabb 0002 67dd 03 0002 68cc 0002 68ee 0001 68 fdf8f800"));
  });

  it("are rejected when there are too many for an avcC", () => {
    const many = (count: number) =>
      Buffer.concat([hex("01 64001e ff e0"), Buffer.from([count]), ...Array(count).fill(hex("0000"))]);
    expect(avcParameterSets(mergedAvcConfiguration(many(128), many(127)))).toHaveLength(255);
    expect(() => mergedAvcConfiguration(many(128), many(128))).toThrow(UNREADABLE);
  });

  it("are rejected when the configuration is truncated anywhere", () => {
    for (let length = 0; length < AVC.length - 4; length += 1)
      expect(() => avcParameterSets(AVC.subarray(0, length))).toThrow(UNREADABLE);
    for (let length = 0; length < HEVC.length; length += 1)
      expect(() => hevcParameterSets(HEVC.subarray(0, length))).toThrow(UNREADABLE);
    expect(() => withoutSets(HEVC.subarray(0, 22), "hevc")).toThrow(UNREADABLE);
    expect(() => withoutSets(AVC.subarray(0, 4), "h264")).toThrow(UNREADABLE);
  });
});
