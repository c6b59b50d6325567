import { describe, expect, it } from "vitest";
import { randomAccessTest } from "../../../services/ffmpeg/formats/random-access.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** A packet of NAL units with start codes. */
const packet = (...units: string[]): Buffer => Buffer.concat(units.flatMap((unit) => [hex("00 00 00 01"), hex(unit)]));

/**
 * H.264: an SEI message of type 6, recovery_frame_cnt 0 ("1") and 4 ("00101"), exact_match, broken
 * link, stop bit.
 */
const RECOVERY = { at: "06 06 01 c4 80", after4: "06 06 01 2c 80" };

/** first_mb_in_slice 0 ("1"), slice_type 7 (I, "0001000") and 5 (P, "00110"). */
const SLICES = { idr: "65 88 84 00", intra: "41 88 84 00", predicted: "41 9a 24 00" };

describe("a decoder can start at a packet of", () => {
  const CASES: Record<string, [codec: string, bytes: Buffer, expected: boolean]> = {
    "H.264, an IDR picture": ["h264", packet("67 64", "68 ee", SLICES.idr), true],
    "H.264, an I picture": ["h264", packet(SLICES.intra), true],
    "H.264, a P picture": ["h264", packet(SLICES.predicted), false],
    "H.264, a recovery point": ["h264", packet(RECOVERY.at, SLICES.predicted), true],
    "H.264, a recovery point after four more": ["h264", packet(RECOVERY.after4, SLICES.intra), false],
    "H.264, no picture": ["h264", packet("67 64", "68 ee"), true],
    "H.264, damage": ["h264", hex("12 34"), true],
    "H.264, a truncated slice": ["h264", packet("41 00"), true],
    "HEVC, an IDR picture": ["hevc", packet("40 01 0c", "26 01 af"), true],
    "HEVC, a CRA picture": ["hevc", packet("2a 01 af"), true],
    "HEVC, a trailing picture": ["hevc", packet("02 01 d0"), false],
    "HEVC, a recovery point": ["hevc", packet("4e 01 06 01 e0 80", "02 01 d0"), true],
    "HEVC, a recovery point after one more": ["hevc", packet("4e 01 06 01 50 80", "02 01 d0"), false],
    "VP8, a keyframe": ["vp8", hex("10 02 00 9d 01 2a a0 00 5a 00"), true],
    "VP8, another": ["vp8", hex("11 02 00 9d 01 2a a0 00 5a 00"), false],
    "MPEG-4, an I picture": ["mpeg4", hex("00 00 01 b6 10 60"), true],
    "MPEG-4, a P picture": ["mpeg4", hex("00 00 01 b6 50 60"), false],
    "MPEG-2, an I picture": ["mpeg2video", hex("00 00 01 b3 00 00 00 01 00 00 0f ff f8"), true],
    "MPEG-2, a P picture": ["mpeg2video", hex("00 00 01 00 00 17 ff f8"), false],
  };

  it.each(Object.keys(CASES))("%s", (name) => {
    const [codec, bytes, expected] = CASES[name]!;
    expect(randomAccessTest(codec)!(bytes)).toBe(expected);
  });

  it("another codec isn't tested", () => expect(randomAccessTest("theora")).toBeUndefined());
});
