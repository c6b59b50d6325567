import { bitsOf, bytesOf } from "./nal/bits.ts";

/** Colours of a video: code points of ITU-T H.273; 2 means unspecified. */
export type VideoSignalType = { isFullRange: boolean; primaries: number; transfer: number; matrix: number };

const VISUAL_OBJECT = Buffer.from([0, 0, 1, 0xb5]);

/** is_visual_object_identifier, verid, priority and visual_object_type. */
const BITS_BEFORE_SIGNAL_TYPE = 12;
/** Length of ffmpeg's visual object header, with padding. */
const HEADER_BYTES = 2;
const UNSPECIFIED_FORMAT = "101";

const eightBits = (value: number): string => value.toString(2).padStart(8, "0");

/**
 * Adds a video_signal_type to the configuration of an MPEG-4 part 2 encoder. ffmpeg writes none,
 * and 3GP has no other field for colours. A header other than ffmpeg's is returned unchanged.
 * ISO/IEC 14496-2, section 6.2.2.
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
  // The header has an identifier and no video_signal_type.
  if (bits[0] !== "1" || bits[BITS_BEFORE_SIGNAL_TYPE] !== "0") return configuration;
  if (end < configuration.length && configuration.readUIntBE(end, 3) !== 1) return configuration;
  const colours = [primaries, transfer, matrix].map(eightBits).join("");
  const signal = `1${UNSPECIFIED_FORMAT}${isFullRange ? "1" : "0"}1${colours}`;
  const written = `${bits.slice(0, BITS_BEFORE_SIGNAL_TYPE)}${signal}0`;
  const padded = written.padEnd(Math.ceil(written.length / 8) * 8, "1");
  return Buffer.concat([configuration.subarray(0, begin), bytesOf(padded), configuration.subarray(end)]);
}
