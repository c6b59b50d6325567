import { describe, expect, it } from "vitest";
import { videoSignalTypeOf } from "../../../services/ffmpeg/exact/colours.ts";
import { withVideoSignalType } from "../../../services/ffmpeg/formats/mpeg4-video-signal-type.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/**
 * As ffmpeg writes it: version 1, priority 1, video, no video_signal_type, then the layer's header.
 */
const WRITTEN = hex("000001b001 000001b5 8913 00000100 00000120 00c48d");
const COLOURS = { colorRange: "pc", colorSpace: "smpte170m", colorTransfer: "bt709", colorPrimaries: undefined };

describe("the colours of MPEG-4 video", () => {
  it("are added to the visual object header, which is padded with a zero and ones", () => {
    const signal = videoSignalTypeOf(COLOURS)!;
    expect(signal).toEqual({ isFullRange: true, primaries: 2, transfer: 1, matrix: 6 });
    // 1 0001 001 0001, 1, 101, 1, 1, 2, 1, 6, 0, 11111.
    expect(withVideoSignalType(WRITTEN, signal)).toEqual(
      hex("000001b001 000001b5 891d c0804 19f 00000100 00000120 00c48d"),
    );
  });

  it("are left out when they are unknown, and when the header isn't ffmpeg's", () => {
    expect(
      videoSignalTypeOf({ ...COLOURS, colorRange: "tv", colorSpace: "unknown", colorTransfer: undefined }),
    ).toBeUndefined();
    const signal = videoSignalTypeOf(COLOURS)!;
    for (const other of ["", "00000120 00c48d", "000001b5 0913 00000100", "000001b5 8913 aabbcc"])
      expect(withVideoSignalType(hex(other), signal)).toEqual(hex(other));
  });
});
