import { ByteReader } from "../process/byte-reader.ts";
import { unreadable } from "../process/errors.ts";

/**
 * As much Matroska as is needed to take a stream of packets apart and to put packets into a file of their own. It holds
 * every codec, needs no seeking, and keeps times to the microsecond when told to. RFC 9559, RFC 8794 (EBML).
 */

const ID = {
  EBML: 0x1a45dfa3,
  Segment: 0x18538067,
  DocType: 0x4282,
  Info: 0x1549a966,
  TimestampScale: 0x2ad7b1,
  Tracks: 0x1654ae6b,
  TrackEntry: 0xae,
  TrackNumber: 0xd7,
  TrackUID: 0x73c5,
  TrackType: 0x83,
  Language: 0x22b59c,
  CodecID: 0x86,
  CodecPrivate: 0x63a2,
  Audio: 0xe1,
  SamplingFrequency: 0xb5,
  Channels: 0x9f,
  CodecDelay: 0x56aa,
  Cluster: 0x1f43b675,
  Timestamp: 0xe7,
  SimpleBlock: 0xa3,
  BlockGroup: 0xa0,
  Block: 0xa1,
  BlockDuration: 0x9b,
  ReferenceBlock: 0xfb,
} as const;

/** Elements that are entered rather than taken whole. */
const ENTERED: readonly number[] = [ID.Segment, ID.Cluster, ID.BlockGroup];

/** A block in a group says it otherwise; ffmpeg groups blocks of sound alone. */
const SIMPLE_BLOCK_KEY = 0x80;

/** Larger than any packet of an encoder's is. */
const LARGEST_ELEMENT = 2 ** 30;

const vintLength = (first: number): number => Math.clz32(first) - 23;

type Element = { id: number; body: Buffer };

/** The elements of a stream, those that are entered told of as empty when they begin. */
async function* elementsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Element> {
  const reader = new ByteReader(stream);
  const vint = async (): Promise<Buffer | undefined> => {
    const first = await reader.read(1);
    const rest = first && (await reader.read(vintLength(first[0]!) - 1));
    return first && rest && Buffer.concat([first, rest]);
  };
  for (;;) {
    const name = await vint();
    const length = name && (await vint());
    if (name === undefined || length === undefined) return;
    const id = name.readUIntBE(0, name.length);
    if (ENTERED.includes(id)) {
      yield { id, body: Buffer.alloc(0) };
      continue;
    }
    const size = sizeOf(length);
    if (size === undefined || size > LARGEST_ELEMENT) throw unreadable("a Matroska element of no, or an absurd, size");
    const body = await reader.read(size);
    if (body === undefined) return;
    yield { id, body };
  }
}

/** The value of a size; undefined for "unknown", which is all ones. */
function sizeOf(vint: Buffer): number | undefined {
  let value = vint[0]! & (0xff >> vint.length);
  let unknown = value === 0xff >> vint.length;
  for (const byte of vint.subarray(1)) {
    value = value * 256 + byte;
    unknown &&= byte === 0xff;
  }
  return unknown ? undefined : value;
}

/** The elements in a body that is whole in memory. */
function* elementsIn(body: Buffer): Generator<{ id: number; at: number; header: number; size: number }> {
  let at = 0;
  while (at < body.length) {
    const idLength = vintLength(body[at]!);
    const sizeLength = vintLength(body[at + idLength] ?? 0);
    const size = sizeOf(body.subarray(at + idLength, at + idLength + sizeLength));
    if (idLength > 4 || sizeLength > 8 || size === undefined) return;
    const header = idLength + sizeLength;
    yield { id: body.readUIntBE(at, idLength), at, header, size };
    at += header + size;
  }
}

const childOf = (body: Buffer, wanted: number): Buffer | undefined => {
  for (const { id, at, header, size } of elementsIn(body))
    if (id === wanted) return body.subarray(at + header, at + header + size);
  return undefined;
};

const unsigned = (body: Buffer | undefined): number =>
  body?.length ? body.readUIntBE(0, Math.min(body.length, 6)) : 0;

export type MatroskaTrack = {
  number: number;
  /** Its TrackEntry, whole. */
  entry: Buffer;
  codecPrivate: Buffer | undefined;
  /** Microseconds that readers subtract from every time of the track. */
  delay: number;
};

/** Everything before the packets, with times told in microseconds. */
export type MatroskaHeader = { bytes: Buffer; tracks: MatroskaTrack[] };

function tracksOf(body: Buffer): MatroskaTrack[] {
  const tracks: MatroskaTrack[] = [];
  for (const { id, at, header, size } of elementsIn(body)) {
    if (id !== ID.TrackEntry) continue;
    const entry = body.subarray(at + header, at + header + size);
    tracks.push({
      number: unsigned(childOf(entry, ID.TrackNumber)),
      entry: body.subarray(at, at + header + size),
      codecPrivate: childOf(entry, ID.CodecPrivate),
      delay: Math.round(unsigned(childOf(entry, ID.CodecDelay)) / 1_000),
    });
  }
  return tracks;
}

/** A packet as it stands in the stream. */
export type StreamPacket = {
  /** The track's number. */
  track: number;
  /** Seconds, the track's delay not yet taken off. */
  time: number;
  key: boolean;
  data: Buffer;
};

const NANOSECONDS = 1_000_000_000;
const DEFAULT_SCALE = 1_000_000;

/**
 * Takes a stream of ffmpeg's matroska muxer apart: hands over its tracks as soon as they're told of, then every packet.
 */
export async function readMatroska(
  stream: AsyncIterable<Buffer>,
  onTracks: (tracks: MatroskaTrack[]) => void,
  onPacket: (packet: StreamPacket) => void | Promise<void>,
): Promise<void> {
  let scale = DEFAULT_SCALE;
  let cluster = 0;
  for await (const { id, body } of elementsOf(stream)) {
    if (id === ID.Info) scale = unsigned(childOf(body, ID.TimestampScale)) || DEFAULT_SCALE;
    if (id === ID.Tracks) onTracks(tracksOf(body));
    if (id === ID.Timestamp) cluster = unsigned(body);
    if (id !== ID.SimpleBlock && id !== ID.Block) continue;
    const numberLength = vintLength(body[0]!);
    const track = sizeOf(body.subarray(0, numberLength)) ?? 0;
    const time = ((cluster + body.readInt16BE(numberLength)) * scale) / NANOSECONDS;
    // After the number: 16 bits of time, 8 of flags.
    const data = numberLength + 3;
    await onPacket({ track, time, key: (body[data - 1]! & SIMPLE_BLOCK_KEY) !== 0, data: body.subarray(data) });
  }
}

const element = (id: number, body: Buffer): Buffer => {
  const idLength = Math.ceil((32 - Math.clz32(id)) / 8);
  const header = Buffer.alloc(idLength + 8);
  header.writeUIntBE(id, 0, idLength);
  header.writeBigUInt64BE(BigInt(body.length) | (1n << 56n), idLength);
  return Buffer.concat([header, body]);
};

const integer = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

/** The head of a file that holds these tracks, renumbered from 1 on. */
export function matroskaHeader(tracks: readonly MatroskaTrack[]): MatroskaHeader {
  const numbered = tracks.map((track, index): MatroskaTrack => {
    const entry = Buffer.from(track.entry);
    const at = entry.indexOf(Buffer.from([ID.TrackNumber, 0x81, track.number]));
    if (at === -1) throw unreadable("a TrackEntry without the number that ffmpeg writes");
    entry[at + 2] = index + 1;
    return { ...track, number: index + 1, entry };
  });
  const unknownSize = Buffer.from([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const bytes = Buffer.concat([
    element(ID.EBML, element(ID.DocType, Buffer.from("matroska"))),
    unknownSize,
    element(ID.Info, element(ID.TimestampScale, integer(1_000))),
    element(ID.Tracks, Buffer.concat(numbered.map(({ entry }) => entry))),
  ]);
  return { bytes, tracks: numbered };
}

const SOUND = 2;

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/**
 * The track of AAC as transport streams carry it, out of its first packet: each has a header of its own (ADTS), and MP4
 * and Matroska keep the same facts once. ISO/IEC 14496-3, sections 1.6.2.1 and 1.A.2.2.1.
 */
export function adtsTrack(packet: Buffer, language: string): MatroskaTrack {
  if (packet.length < 7 || packet.readUInt16BE(0) < 0xfff0) throw unreadable("the first packet of AAC has no header");
  const objectType = (packet[2]! >> 6) + 1;
  const rateIndex = (packet[2]! >> 2) & 0xf;
  const channels = ((packet[2]! & 1) << 2) | (packet[3]! >> 6);
  const rate = SAMPLE_RATES[rateIndex];
  if (rate === undefined || channels === 0) throw unreadable("AAC of an unusual rate or of unusual channels");
  const codecPrivate = Buffer.alloc(2);
  codecPrivate.writeUInt16BE((objectType << 11) | (rateIndex << 7) | (channels << 3));
  const frequency = Buffer.alloc(8);
  frequency.writeDoubleBE(rate);
  const entry = element(
    ID.TrackEntry,
    Buffer.concat([
      Buffer.from([ID.TrackNumber, 0x81, 1]),
      element(ID.TrackUID, integer(1)),
      element(ID.TrackType, Buffer.from([SOUND])),
      element(ID.Language, Buffer.from(language)),
      element(ID.CodecID, Buffer.from("A_AAC")),
      element(ID.CodecPrivate, codecPrivate),
      element(
        ID.Audio,
        Buffer.concat([
          element(ID.SamplingFrequency, frequency),
          element(ID.Channels, Buffer.from([channels === 7 ? 8 : channels])),
        ]),
      ),
    ]),
  );
  return { number: 1, entry, codecPrivate, delay: 0 };
}

export type MatroskaPacket = {
  track: MatroskaTrack;
  /** Microseconds, from 0 on. */
  time: number;
  duration: number | undefined;
  key: boolean;
  data: Buffer;
};

/** One packet as a cluster of its own, so that its time needs no more than the cluster's. */
export function matroskaCluster({ track, time, duration, key, data }: MatroskaPacket): Buffer {
  const block = element(ID.Block, Buffer.concat([Buffer.from([0x80 | track.number, 0, 0, 0]), data]));
  const group = [block];
  if (duration !== undefined) group.push(element(ID.BlockDuration, integer(duration)));
  // That there is one makes it no keyframe; which one doesn't matter to any reader.
  if (!key) group.push(element(ID.ReferenceBlock, Buffer.from([0xff])));
  const timestamp = element(ID.Timestamp, integer(time + track.delay));
  return element(ID.Cluster, Buffer.concat([timestamp, element(ID.BlockGroup, Buffer.concat(group))]));
}
