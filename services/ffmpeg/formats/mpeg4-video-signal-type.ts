import { bitsOf, bytesOf } from "./nal/bits.ts";

/** Colours of a picture: code points of ITU-T H.273, of which 2 says nothing. */
export type VideoSignalType = { isFullRange: boolean; primaries: number; transfer: number; matrix: number };

const VISUAL_OBJECT = Buffer.from([0, 0, 1, 0xb5]);

/** Identifier, version and priority, then the type of object. */
const BITS_BEFORE_SIGNAL_TYPE = 12;
/** Of what ffmpeg writes: all of it, up to the byte. */
const HEADER_BYTES = 2;
const UNSPECIFIED_FORMAT = "101";

const eightBits = (value: number): string => value.toString(2).padStart(8, "0");

/**
 * The configuration of an encoder of MPEG-4 video, with the picture's colours in the header of its
 * object: ffmpeg leaves them out, and 3GP has no other place for them. As it is where it has another
 * header than ffmpeg's. ISO/IEC 14496-2, section 6.2.2.
 */
export function withVideoSignalType(
  configuration: Buffer,
  { isFullRange, primaries, transfer, matrix }: VideoSignalType,
): Buffer {
  const at = configuration.indexOf(VISUAL_OBJECT);
  if (at === -1) return configuration;
  const begin = at + VISUAL_OBJECT.length;
  const end = begin + HEADER_BYTES;
  const bits = bitsOf(configuration.subarray(begin, end));
  // It says its version, and has no signal.
  if (bits[0] !== "1" || bits[BITS_BEFORE_SIGNAL_TYPE] !== "0") return configuration;
  if (end < configuration.length && configuration.readUIntBE(end, 3) !== 1) return configuration;
  const colours = [primaries, transfer, matrix].map(eightBits).join("");
  const signal = `1${UNSPECIFIED_FORMAT}${isFullRange ? "1" : "0"}1${colours}`;
  const written = `${bits.slice(0, BITS_BEFORE_SIGNAL_TYPE)}${signal}0`;
  const padded = written.padEnd(Math.ceil(written.length / 8) * 8, "1");
  return Buffer.concat([configuration.subarray(0, begin), bytesOf(padded), configuration.subarray(end)]);
}
