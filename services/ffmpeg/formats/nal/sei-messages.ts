import { bitsOf, escaped, findGolomb, unescaped } from "./bits.ts";
import { isSlice, lengthFramed, lengthPrefixed, type NalCodec, nalType } from "./units.ts";

/**
 * Supplemental enhancement information (SEI) that affects what a viewer sees, and that encoders
 * don't write. ITU-T H.264 and H.265, section 7.3.2.3 (7.3.5) and annex D.
 */

/**
 * Payload types that apply to all pictures from a keyframe on: mastering display, content light
 * level, alternative transfer and ambient viewing environment.
 */
const SEQUENCE_PAYLOAD_TYPES = [137, 144, 147, 148];

/** Payload types that apply to one picture. ITU-T T.35: captions and HDR10+. */
const PICTURE_PAYLOAD_TYPES = [4];

/** recovery_point. */
const RECOVERY_POINT = 6;

export type SeiMessage = { type: number; payload: Buffer };

const UNIT_HEADERS: Readonly<Record<NalCodec, Buffer>> = {
  h264: Buffer.from([6]),
  hevc: Buffer.from([39 << 1, 1]),
};

const isMessage = (codec: NalCodec, unit: Buffer): boolean => nalType(codec, unit) === (codec === "h264" ? 6 : 39);

/** Reads a number that is coded as bytes of 255 and one smaller byte. */
function numberAt(bytes: Buffer, at: number): { value: number; end: number } {
  let end = at;
  while (bytes[end] === 0xff) end += 1;
  return { value: (end - at) * 0xff + (bytes[end] ?? 0), end: end + 1 };
}

const numberBytes = (value: number): Buffer =>
  Buffer.from([...Array<number>(Math.floor(value / 0xff)).fill(0xff), value % 0xff]);

/** Length of the longest code that is read. */
const MAX_CODE_BYTES = 8;

/** More than a picture's messages take: captions and light levels have hundreds of bytes. */
const MAX_MESSAGE_UNIT_BYTES = 256 * 1024;
const MAX_MESSAGES = 1_000;

/** The messages of an SEI unit. Units larger than a real picture's are skipped. */
function messagesIn(codec: NalCodec, unit: Buffer): SeiMessage[] {
  if (unit.length > MAX_MESSAGE_UNIT_BYTES) return [];
  const bytes = unescaped(unit.subarray(UNIT_HEADERS[codec].length));
  const messages: SeiMessage[] = [];
  // The last byte is rbsp_trailing_bits.
  for (let at = 0; at < bytes.length - 1 && messages.length < MAX_MESSAGES; ) {
    const type = numberAt(bytes, at);
    const size = numberAt(bytes, type.end);
    const end = size.end + size.value;
    if (end > bytes.length) break;
    messages.push({ type: type.value, payload: bytes.subarray(size.end, end) });
    at = end;
  }
  return messages;
}

/** The messages of all SEI units among `units`. */
const messagesOf = (codec: NalCodec, units: readonly Buffer[]): SeiMessage[] =>
  units.filter((unit) => isMessage(codec, unit)).flatMap((unit) => messagesIn(codec, unit));

/** The messages that apply to all following pictures. */
export const sequenceMessages = (codec: NalCodec, units: readonly Buffer[]): SeiMessage[] =>
  messagesOf(codec, units).filter(({ type }) => SEQUENCE_PAYLOAD_TYPES.includes(type));

/** The messages of a packet in length format that apply to its picture only. */
export const pictureMessages = (codec: NalCodec, packet: Buffer): SeiMessage[] =>
  messagesOf(codec, lengthFramed(packet) ?? []).filter(({ type }) => PICTURE_PAYLOAD_TYPES.includes(type));

/**
 * Pictures until a decoder that starts here shows correct output (H.264: recovery_frame_cnt; HEVC:
 * the code of recovery_poc_cnt, 0 for none). Undefined without a recovery point message.
 */
export function recoveryPoint(codec: NalCodec, units: readonly Buffer[]): number | undefined {
  const found = messagesOf(codec, units).find(({ type }) => type === RECOVERY_POINT);
  return found && findGolomb(bitsOf(found.payload.subarray(0, MAX_CODE_BYTES)), 0)?.value;
}

const messageUnit = (codec: NalCodec, messages: readonly SeiMessage[]): Buffer => {
  const bodies = messages.flatMap(({ type, payload }) => [numberBytes(type), numberBytes(payload.length), payload]);
  return Buffer.concat([UNIT_HEADERS[codec], escaped(Buffer.concat([...bodies, Buffer.from([0x80])]))]);
};

/** buffering_period and pic_timing: when a picture is decoded, counted from the one before. */
const TIMING_PAYLOAD_TYPES = [0, 1];

/** Units in front of a picture, without messages about decoding times. */
export const withoutTiming = (codec: NalCodec, units: readonly Buffer[]): Buffer[] =>
  units.flatMap((unit) => {
    if (!isMessage(codec, unit)) return [unit];
    const messages = messagesIn(codec, unit);
    const kept = messages.filter(({ type }) => !TIMING_PAYLOAD_TYPES.includes(type));
    if (kept.length === messages.length) return [unit];
    return kept.length === 0 ? [] : [messageUnit(codec, kept)];
  });

/**
 * The packet (length format) with these messages in front of its picture, except those of a type
 * that it has already.
 */
export function withMessages(codec: NalCodec, packet: Buffer, messages: readonly SeiMessage[]): Buffer {
  const units = lengthFramed(packet);
  if (units === undefined || messages.length === 0) return packet;
  const known = messagesOf(codec, units).map(({ type }) => type);
  const added = messages.filter(({ type }) => !known.includes(type)).map((message) => messageUnit(codec, [message]));
  const first = units.findIndex((unit) => isSlice(codec, unit));
  return first === -1 ? packet : lengthPrefixed([...units.slice(0, first), ...added, ...units.slice(first)]);
}
