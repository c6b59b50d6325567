/**
 * VP8 and VP9 state the frame size in each keyframe, where it may change: browsers do so when they
 * record a call. RFC 6386, section 9.1; VP9 bitstream specification, section 6.2.
 */
export type VpxCodec = "vp8" | "vp9";

export const isVpxCodec = (codec: string | undefined): codec is VpxCodec => codec === "vp8" || codec === "vp9";

/** [width, height] in pixels that a keyframe states; undefined for other packets. */
export const keyframeSize = (codec: VpxCodec, packet: Buffer): [number, number] | undefined =>
  codec === "vp8" ? vp8Size(packet) : vp9Size(packet);

const VP8_START_CODE = Buffer.from([0x9d, 0x01, 0x2a]);
const VP8_HEADER_BYTES = 10;
/** The two highest bits are a scaling hint. */
const VP8_SIZE_BITS = 0x3fff;

function vp8Size(packet: Buffer): [number, number] | undefined {
  if (packet.length < VP8_HEADER_BYTES || (packet[0]! & 1) !== 0) return undefined;
  if (!packet.subarray(3, 6).equals(VP8_START_CODE)) return undefined;
  return [packet.readUInt16LE(6) & VP8_SIZE_BITS, packet.readUInt16LE(8) & VP8_SIZE_BITS];
}

const VP9_FRAME_MARKER = 2;
const VP9_SYNC_CODE = 0x498342;
const RGB = 7;
/** Longest header up to and including the size. */
const VP9_HEADER_BYTES = 12;

function vp9Size(packet: Buffer): [number, number] | undefined {
  if (packet.length < VP9_HEADER_BYTES) return undefined;
  let at = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1, at += 1) value = value * 2 + ((packet[at >> 3]! >> (7 - (at & 7))) & 1);
    return value;
  };
  if (bits(2) !== VP9_FRAME_MARKER) return undefined;
  const profile = bits(1) + 2 * bits(1);
  if (profile === 3) bits(1);
  const [showsExisting, isInter] = [bits(1), bits(1)];
  // show_frame and error_resilient_mode.
  bits(2);
  if (showsExisting === 1 || isInter === 1 || bits(24) !== VP9_SYNC_CODE) return undefined;
  if (profile >= 2) bits(1);
  const isRgb = bits(3) === RGB;
  if (!isRgb) bits(1);
  if (profile % 2 === 1) bits(isRgb ? 1 : 3);
  return [bits(16) + 1, bits(16) + 1];
}
