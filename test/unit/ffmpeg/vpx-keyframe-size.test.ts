import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../services/ffmpeg/formats/nal/bits.ts";
import { keyframeSize } from "../../../services/ffmpeg/formats/vpx/keyframe-size.ts";

const SIZE = (159).toString(2).padStart(16, "0") + (89).toString(2).padStart(16, "0");

/** A VP9 keyframe: marker, profile, flags of the frame, sync code, colours, size. */
function vp9(profile: string, colours: string, { flags = "0010", marker = "10", sync = 0x498342 } = {}): Buffer {
  const bits = marker + profile + flags + sync.toString(2).padStart(24, "0") + colours + SIZE;
  return bytesOf(bits.padEnd(96, "0"));
}

describe("the size that a VP9 keyframe states", () => {
  it.each([
    ["profile 0", vp9("00", "0010")],
    ["profile 0, RGB", vp9("00", "111")],
    ["profile 1, 4:4:4", vp9("10", "0010000")],
    ["profile 1, RGB", vp9("10", "1110")],
    ["profile 2, 10 bits", vp9("01", "00010")],
    ["profile 3, 12 bits 4:4:4", vp9("110", "10010000")],
    ["profile 3, RGB", vp9("110", "11110")],
  ])("%s", (_, packet) => expect(keyframeSize("vp9", packet)).toEqual([160, 90]));

  it.each([
    ["is too short", vp9("00", "0010").subarray(0, 11)],
    ["has another marker", vp9("00", "0010", { marker: "01" })],
    ["shows a frame that exists", vp9("00", "0010", { flags: "1010" })],
    ["is no keyframe", vp9("00", "0010", { flags: "0110" })],
    ["has another sync code", vp9("00", "0010", { sync: 1 })],
  ])("is none where the packet %s", (_, packet) => expect(keyframeSize("vp9", packet)).toBeUndefined());
});

describe("the size that a VP8 keyframe states", () => {
  const packet = (...bytes: number[]) => Buffer.from([0x10, 0, 0, ...bytes]);

  it("is without the scaling hints", () => {
    expect(keyframeSize("vp8", packet(0x9d, 0x01, 0x2a, 160, 0x40, 90, 0x80))).toEqual([160, 90]);
  });

  it("is none where the packet is too short, no keyframe or has another start code", () => {
    const whole = packet(0x9d, 0x01, 0x2a, 160, 0, 90, 0);
    expect(keyframeSize("vp8", whole.subarray(0, 9))).toBeUndefined();
    expect(keyframeSize("vp8", packet(0x9d, 0x01, 0x2b, 160, 0, 90, 0))).toBeUndefined();
    expect(keyframeSize("vp8", Buffer.concat([Buffer.from([0x11]), whole.subarray(1)]))).toBeUndefined();
  });
});
