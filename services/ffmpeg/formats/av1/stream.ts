import { ByteReader } from "../../process/byte-reader.ts";
import { unreadable } from "../../process/errors.ts";
import { element, integer } from "../matroska/ebml.ts";
import { ID } from "../matroska/ids.ts";
import type { MatroskaTrack, readMatroska } from "../matroska/reader.ts";
import { av1Configuration, readSequenceHeader } from "./sequence-header.ts";

/** A unit of a packet (OBU). AV1 bitstream specification, section 5.3. */
type Unit = { type: number; whole: Buffer; payload: Buffer };

const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;

const HAS_SIZE = 0x02;
const HAS_EXTENSION = 0x04;
const MAX_SIZE_BYTES = 8;

/** The units of a packet, each of which says its size. */
function unitsOf(packet: Buffer): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < packet.length; ) {
    const first = packet[at]!;
    if ((first & HAS_SIZE) === 0) throw unreadable("a unit of AV1 without a size");
    let body = at + ((first & HAS_EXTENSION) === 0 ? 1 : 2);
    let size = 0;
    for (let byte = 0; byte < MAX_SIZE_BYTES; byte += 1) {
      const next = packet[body] ?? 0;
      size += (next & 0x7f) * 2 ** (7 * byte);
      body += 1;
      if (next < 0x80) break;
    }
    const end = body + size;
    if (end > packet.length) throw unreadable("a unit of AV1 reaches beyond its packet");
    units.push({ type: (first >> 3) & 0xf, whole: packet.subarray(at, end), payload: packet.subarray(body, end) });
    at = end;
  }
  return units;
}

const METADATA = 5;
/** Content light level, and mastering display. Section 6.7.1. */
const OF_A_SEQUENCE = [1, 2];

/** Units of a packet that hold for all pictures that follow: how they were mastered. */
export const metadataUnits = (packet: Buffer): Buffer[] =>
  unitsOf(packet)
    .filter(({ type, payload }) => type === METADATA && OF_A_SEQUENCE.includes(payload[0] ?? 0))
    .map(({ whole }) => whole);

/** A keyframe with these units behind its sequence header, unless it has such units of its own. */
export function withUnits(packet: Buffer, added: readonly Buffer[]): Buffer {
  if (added.length === 0 || metadataUnits(packet).length > 0) return packet;
  const units = unitsOf(packet);
  const behind = units.findIndex(({ type }) => type === SEQUENCE_HEADER) + 1;
  const whole = units.map((one) => one.whole);
  return Buffer.concat([...whole.slice(0, behind), ...added, ...whole.slice(behind)]);
}

const PICTURE = 1;

type Size = { width: number; height: number };

/** What a stream of AV1 doesn't say of its pictures. */
export type TrackMetadata = {
  /** Of a sample, as ffprobe prints it, such as "4:3". */
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
        // Their ratio counts.
        element(ID.DisplayWidth, integer(width * across)),
        element(ID.DisplayHeight, integer(height * down)),
      ];
  const video = [element(ID.PixelWidth, integer(width)), element(ID.PixelHeight, integer(height)), ...display];
  const entry = element(
    ID.TrackEntry,
    Buffer.concat([
      element(ID.TrackNumber, integer(1)),
      element(ID.TrackUID, integer(1)),
      element(ID.TrackType, integer(PICTURE)),
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

/** A frame of 8K in 16 bits a channel, which is the largest packet that any encoder gives. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/**
 * Reads AV1 as ffmpeg's ivf muxer writes it, as `readMatroska` reads a Matroska stream: that muxer
 * needs the decoder's configuration before the first packet, and libaom gives it with that. Times
 * are left at 0. Ends with the stream.
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
      if (bytes > MAX_FRAME_BYTES) throw unreadable(`a frame of AV1 is ${bytes} bytes long`);
      const packet = await reader.read(bytes);
      if (packet === undefined) return;
      const units = unitsOf(packet);
      // It stands before each keyframe.
      const header = units.find(({ type }) => type === SEQUENCE_HEADER);
      if (isFirst) {
        if (header === undefined) throw unreadable("AV1 that starts with no sequence header");
        onTracks([trackOf(size, metadata, header)]);
        isFirst = false;
      }
      // MP4 and Matroska have packets of their own.
      const data = Buffer.concat(units.filter(({ type }) => type !== TEMPORAL_DELIMITER).map(({ whole }) => whole));
      await onPacket({ track: 1, time: 0, key: header !== undefined, data, additions: undefined });
    }
  };
