import { ByteReader } from "../../process/byte-reader.ts";
import { unreadable } from "../../process/errors.ts";
import { element, integer } from "../matroska/ebml.ts";
import { ID } from "../matroska/ids.ts";
import type { MatroskaTrack, readMatroska } from "../matroska/reader.ts";
import { av1Configuration, readSequenceHeader } from "./sequence-header.ts";

/** An open bitstream unit (OBU). AV1 bitstream specification, section 5.3. */
type Unit = { type: number; whole: Buffer; payload: Buffer };

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;

const HAS_SIZE = 0x02;
const HAS_EXTENSION = 0x04;
const MAX_SIZE_BYTES = 8;

/** The OBUs of a packet; each one states its size. */
function unitsOf(packet: Buffer): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < packet.length; ) {
    const first = packet[at]!;
    if ((first & HAS_SIZE) === 0) throw unreadable("an AV1 OBU has no size");
    let body = at + ((first & HAS_EXTENSION) === 0 ? 1 : 2);
    let size = 0;
    for (let byte = 0; byte < MAX_SIZE_BYTES; byte += 1) {
      const next = packet[body] ?? 0;
      size += (next & 0x7f) * 2 ** (7 * byte);
      body += 1;
      if (next < 0x80) break;
    }
    const end = body + size;
    if (end > packet.length) throw unreadable("an AV1 OBU is longer than its packet");
    units.push({ type: (first >> 3) & 0xf, whole: packet.subarray(at, end), payload: packet.subarray(body, end) });
    at = end;
  }
  return units;
}

const METADATA = 5;
/** Metadata types: content light level and mastering display. Section 6.7.1. */
const MASTERING_METADATA_TYPES = [1, 2];

/** The mastering metadata OBUs of a packet, which apply to all following pictures. */
export const metadataUnits = (packet: Buffer): Buffer[] =>
  unitsOf(packet)
    .filter(({ type, payload }) => type === METADATA && MASTERING_METADATA_TYPES.includes(payload[0] ?? 0))
    .map(({ whole }) => whole);

/** A keyframe with these OBUs behind its sequence header, unless it has its own. */
export function withUnits(packet: Buffer, added: readonly Buffer[]): Buffer {
  if (added.length === 0 || metadataUnits(packet).length > 0) return packet;
  const units = unitsOf(packet);
  const behind = units.findIndex(({ type }) => type === SEQUENCE_HEADER) + 1;
  const whole = units.map((one) => one.whole);
  return Buffer.concat([...whole.slice(0, behind), ...added, ...whole.slice(behind)]);
}

const VIDEO_TRACK_TYPE = 1;

type Size = { width: number; height: number };

/** Track properties that an AV1 stream doesn't contain. */
export type TrackMetadata = {
  /** Sample aspect ratio, as ffprobe prints it, such as "4:3". */
  sampleAspect: string | undefined;
  /** ISO 639-2. */
  language: string;
};

function trackOf({ width, height }: Size, { sampleAspect, language }: TrackMetadata, header: Unit): MatroskaTrack {
  const codecPrivate = av1Configuration(readSequenceHeader(header.payload), header.whole);
  const [across, down] = (sampleAspect ?? "").split(":").map(Number) as [number, number];
  const isSquare = !(across > 0 && down > 0) || across === down;
  const display = isSquare
    ? []
    : [
        // Only their ratio matters.
        element(ID.DisplayWidth, integer(width * across)),
        element(ID.DisplayHeight, integer(height * down)),
      ];
  const video = [element(ID.PixelWidth, integer(width)), element(ID.PixelHeight, integer(height)), ...display];
  const entry = element(
    ID.TrackEntry,
    Buffer.concat([
      element(ID.TrackNumber, integer(1)),
      element(ID.TrackUID, integer(1)),
      element(ID.TrackType, integer(VIDEO_TRACK_TYPE)),
      element(ID.Language, Buffer.from(language)),
      element(ID.CodecID, Buffer.from("V_AV1")),
      element(ID.CodecPrivate, codecPrivate),
      element(ID.Video, Buffer.concat(video)),
    ]),
  );
  return { number: 1, entry, codecPrivate, delay: 0 };
}

const FILE_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 12;

/** An uncompressed 8K frame with 16 bits per sample: larger than any encoder's packet. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/**
 * Reads ffmpeg's IVF output of AV1, with the interface of `readMatroska`. The matroska muxer can't
 * be used: it needs the decoder configuration before the first packet, and libaom returns it with
 * that packet. Times are 0. Ends with the stream.
 */
export const av1Reader =
  (metadata: TrackMetadata): typeof readMatroska =>
  async (stream, onTracks, onPacket) => {
    const reader = new ByteReader(stream);
    const file = await reader.read(FILE_HEADER_BYTES);
    if (file === undefined) return;
    const size = { width: file.readUInt16LE(12), height: file.readUInt16LE(14) };
    let isFirst = true;
    for (;;) {
      const head = await reader.read(FRAME_HEADER_BYTES);
      if (head === undefined) return;
      const bytes = head.readUInt32LE(0);
      if (bytes > MAX_FRAME_BYTES) throw unreadable(`an AV1 frame has ${bytes} bytes`);
      const packet = await reader.read(bytes);
      if (packet === undefined) return;
      const units = unitsOf(packet);
      // Each keyframe begins with a sequence header.
      const header = units.find(({ type }) => type === SEQUENCE_HEADER);
      if (isFirst) {
        if (header === undefined) throw unreadable("the AV1 stream doesn't start with a sequence header");
        onTracks([trackOf(size, metadata, header)]);
        isFirst = false;
      }
      // Temporal delimiters aren't stored in MP4 and Matroska.
      const data = Buffer.concat(units.filter(({ type }) => type !== TEMPORAL_DELIMITER).map(({ whole }) => whole));
      await onPacket({ track: 1, time: 0, key: header !== undefined, data, additions: undefined });
    }
  };
