import { isSlice, LENGTH_BYTES, lengthFramed, type NalCodec, NalReader } from "./nal/units.ts";

/**
 * Whether the bytes of a packet were overwritten: it can't be a picture of its codec. A packet that
 * passes may still not decode. One that fails is decoded before it's reported, so a test may be
 * wrong about odd, valid packets.
 */
export type DamageTest = (packet: Buffer) => boolean;

/** The test for packets of one stream, in order. `codec`: as ffprobe names it. */
export function damageTest(codec: string | undefined): DamageTest {
  if (codec === "h264" || codec === "hevc") return nalTest(codec);
  return TESTS[codec ?? ""] ?? beginsWithZeros;
}

/** Lengths that don't add up or are 0, no start code, no slice, or three zeros in a slice. */
function nalTest(codec: NalCodec): DamageTest {
  const reader = new NalReader();
  return (packet) => {
    const slices = reader.units(packet)?.filter((unit) => isSlice(codec, unit)) ?? [];
    return (
      slices.length === 0 ||
      hasEmptyUnit(packet) ||
      slices.some((slice) => (slice[0]! & FORBIDDEN_BIT) !== 0 || slice.includes(ZEROS))
    );
  };
}

/** ffmpeg decodes nothing of a packet with a length of 0. Some other decoders skip that unit. */
function hasEmptyUnit(packet: Buffer): boolean {
  const units = lengthFramed(packet);
  return units !== undefined && units.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0) < packet.length;
}

/** A unit has no three zeros in a row: H.264 and H.265, section 7.4.1.1. */
const ZEROS = Buffer.alloc(3);

/** H.264, section 7.3.1; H.265, section 7.3.1.2; AV1, section 5.3.2. */
const FORBIDDEN_BIT = 0x80;

const lacks =
  (...startCode: number[]): DamageTest =>
  (packet) =>
    !packet.includes(Buffer.from(startCode));

const TESTS: Readonly<Record<string, DamageTest>> = {
  // vop_start_code. ISO/IEC 14496-2, table 6-3. A packet of one byte repeats the picture before.
  mpeg4: (packet) => packet.length > 1 && lacks(0, 0, 1, 0xb6)(packet),
  // picture_start_code. ISO/IEC 13818-2, table 6-1.
  mpeg1video: lacks(0, 0, 1, 0),
  mpeg2video: lacks(0, 0, 1, 0),
  mjpeg: lacks(0xff, 0xd8),
  // frame_marker. VP9 bitstream specification, section 6.2.
  vp9: ([first = 0]) => first >> 6 !== 2,
  // The first partition is inside the frame. RFC 6386, section 9.1.
  vp8: (packet) => packet.length < 3 || packet.readUIntLE(0, 3) >> 5 > packet.length || beginsWithZeros(packet),
  // Type 0 is reserved. AV1, section 6.2.2.
  av1: ([first = 0]) => (first & FORBIDDEN_BIT) !== 0 || first >> 3 === 0,
};

/** No codec's picture begins with this many. Raw video may, and is decoded for nothing. */
const MIN_ZEROS = 32;

function beginsWithZeros(packet: Buffer): boolean {
  const begin = packet.subarray(0, MIN_ZEROS);
  return begin.every((byte) => byte === 0);
}
