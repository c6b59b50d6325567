import { bitsOf, escaped, findGolomb, unescaped } from "./bits.ts";
import { isSlice, lengthFramed, lengthPrefixed, type NalCodec, nalType } from "./units.ts";

/**
 * Supplemental messages (SEI) that a viewer's picture depends on. Encoders don't write them again.
 * ITU-T H.264 and H.265, section 7.3.2.3 (7.3.5) and annex D.
 */

/** What holds for all pictures from a keyframe on: how the picture was mastered, its transfer, and the light around it. */
const OF_A_SEQUENCE = [137, 144, 147, 148];

/** By ITU-T T.35: captions, and light levels from picture to picture (HDR10+). */
const OF_A_PICTURE = [4];

/** From which picture on all is whole again. */
const RECOVERY_POINT = 6;

export type Message = { type: number; payload: Buffer };

const UNIT_HEADERS: Readonly<Record<NalCodec, Buffer>> = {
  h264: Buffer.from([6]),
  hevc: Buffer.from([39 << 1, 1]),
};

const isMessage = (codec: NalCodec, unit: Buffer): boolean => nalType(codec, unit) === (codec === "h264" ? 6 : 39);

/** A number as bytes of 255, and one below that. */
function numberAt(bytes: Buffer, at: number): { value: number; end: number } {
  let end = at;
  while (bytes[end] === 0xff) end += 1;
  return { value: (end - at) * 0xff + (bytes[end] ?? 0), end: end + 1 };
}

const numberBytes = (value: number): Buffer =>
  Buffer.from([...Array<number>(Math.floor(value / 0xff)).fill(0xff), value % 0xff]);

/** The longest code that is read. */
const MAX_CODE_BYTES = 8;

/** More than the messages of a picture take: captions and light levels have hundreds of bytes. */
const MAX_MESSAGE_UNIT_BYTES = 256 * 1024;
const MAX_MESSAGES = 1_000;

/** None of a unit that is larger, or holds more, than one of a real picture. */
function messagesIn(codec: NalCodec, unit: Buffer): Message[] {
  if (unit.length > MAX_MESSAGE_UNIT_BYTES) return [];
  const bytes = unescaped(unit.subarray(UNIT_HEADERS[codec].length));
  const messages: Message[] = [];
  // The last byte ends the unit.
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

/** The messages of units, of whatever else they are. */
const messagesOf = (codec: NalCodec, units: readonly Buffer[]): Message[] =>
  units.filter((unit) => isMessage(codec, unit)).flatMap((unit) => messagesIn(codec, unit));

/** Of units that hold for all pictures that follow. */
export const sequenceMessages = (codec: NalCodec, units: readonly Buffer[]): Message[] =>
  messagesOf(codec, units).filter(({ type }) => OF_A_SEQUENCE.includes(type));

/** Of a packet, framed by lengths, that hold for its picture alone. */
export const pictureMessages = (codec: NalCodec, packet: Buffer): Message[] =>
  messagesOf(codec, lengthFramed(packet) ?? []).filter(({ type }) => OF_A_PICTURE.includes(type));

/**
 * How many more pictures it takes until all is whole for a decoder that starts here (H.264:
 * recovery_frame_cnt; HEVC: the code of recovery_poc_cnt, 0 for none). Undefined where no message
 * says so.
 */
export function recoveryPoint(codec: NalCodec, units: readonly Buffer[]): number | undefined {
  const found = messagesOf(codec, units).find(({ type }) => type === RECOVERY_POINT);
  return found && findGolomb(bitsOf(found.payload.subarray(0, MAX_CODE_BYTES)), 0)?.value;
}

/** The packet, framed by lengths, with these messages before its picture: those of a type that it has none of. */
export function withMessages(codec: NalCodec, packet: Buffer, messages: readonly Message[]): Buffer {
  const units = lengthFramed(packet);
  if (units === undefined || messages.length === 0) return packet;
  const known = messagesOf(codec, units).map(({ type }) => type);
  const added = messages
    .filter(({ type }) => !known.includes(type))
    .map(({ type, payload }) => {
      const body = Buffer.concat([numberBytes(type), numberBytes(payload.length), payload, Buffer.from([0x80])]);
      return Buffer.concat([UNIT_HEADERS[codec], escaped(body)]);
    });
  const first = units.findIndex((unit) => isSlice(codec, unit));
  return first === -1 ? packet : lengthPrefixed([...units.slice(0, first), ...added, ...units.slice(first)]);
}
