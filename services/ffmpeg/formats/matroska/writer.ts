import { unreadable } from "../../process/errors.ts";
import { element, elementsIn, integer, shortVint } from "./ebml.ts";
import { ID } from "./ids.ts";
import type { MatroskaTrack } from "./reader.ts";

/** Puts packets into Matroska files of their own, with times to the microsecond. RFC 9559. */

/** Everything before the packets. */
export type MatroskaHeader = { bytes: Buffer; tracks: MatroskaTrack[] };

export type MatroskaPacket = {
  track: MatroskaTrack;
  /** Microseconds, from 0 on. */
  time: number;
  duration: number | undefined;
  key: boolean;
  data: Buffer;
};

/** Nanoseconds a tick: times are in microseconds. */
const TIMESTAMP_SCALE = 1_000;

/** Of unknown size: the segment goes to the end of the file. */
const SEGMENT = Buffer.from("1853806701ffffffffffffff", "hex");

function renumbered(track: MatroskaTrack, number: number): MatroskaTrack {
  const [entry] = elementsIn(track.entry);
  const others = [...elementsIn(entry?.body ?? Buffer.alloc(0))].filter(({ id }) => id !== ID.TrackNumber);
  const parts = [element(ID.TrackNumber, integer(number)), ...others.map(({ whole }) => whole)];
  return { ...track, number, entry: element(ID.TrackEntry, Buffer.concat(parts)) };
}

/** The head of a file that holds these tracks, renumbered from 1 on. */
export function matroskaHeader(tracks: readonly MatroskaTrack[]): MatroskaHeader {
  const numbered = tracks.map((track, index) => renumbered(track, index + 1));
  const bytes = Buffer.concat([
    element(ID.EBML, element(ID.DocType, Buffer.from("matroska"))),
    SEGMENT,
    element(ID.Info, element(ID.TimestampScale, integer(TIMESTAMP_SCALE))),
    element(ID.Tracks, Buffer.concat(numbered.map(({ entry }) => entry))),
  ]);
  return { bytes, tracks: numbered };
}

/**
 * One packet as a cluster of its own, so that its time needs no more than the cluster's. Throws `CutFailedError`
 * (UnreadableMedia) for a time below zero.
 */
export function matroskaCluster({ track, time, duration, key, data }: MatroskaPacket): Buffer {
  // No time relative to the cluster's, and no flags.
  const block = element(ID.Block, Buffer.concat([shortVint(track.number), Buffer.from([0, 0, 0]), data]));
  const group = [block];
  if (duration !== undefined) group.push(element(ID.BlockDuration, integer(duration)));
  // That there is one makes it no keyframe; which one doesn't matter to any reader.
  if (!key) group.push(element(ID.ReferenceBlock, Buffer.from([0xff])));
  const timestamp = element(ID.Timestamp, integer(time + track.delay));
  return element(ID.Cluster, Buffer.concat([timestamp, element(ID.BlockGroup, Buffer.concat(group))]));
}

const SOUND = 2;

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

const ADTS_HEADER_BYTES = 7;
const SEVEN_POINT_ONE = 7;

/**
 * The track of AAC as transport streams carry it, out of its first packet: each has a header of its own (ADTS), and MP4
 * and Matroska keep the same facts once. `language` is ISO 639-2. ISO/IEC 14496-3, sections 1.6.2.1 and 1.A.2.2.1.
 */
export function adtsTrack(packet: Buffer, language: string): MatroskaTrack {
  if (packet.length < ADTS_HEADER_BYTES || packet.readUInt16BE(0) < 0xfff0)
    throw unreadable("the first packet of AAC has no header");
  const objectType = (packet[2]! >> 6) + 1;
  const rateIndex = (packet[2]! >> 2) & 0xf;
  const channels = ((packet[2]! & 1) << 2) | (packet[3]! >> 6);
  const rate = SAMPLE_RATES[rateIndex];
  if (rate === undefined || channels === 0) throw unreadable("AAC of an unusual rate or of unusual channels");
  const codecPrivate = Buffer.alloc(2);
  codecPrivate.writeUInt16BE((objectType << 11) | (rateIndex << 7) | (channels << 3));
  const frequency = Buffer.alloc(8);
  frequency.writeDoubleBE(rate);
  const audio = [
    element(ID.SamplingFrequency, frequency),
    element(ID.Channels, integer(channels === SEVEN_POINT_ONE ? 8 : channels)),
  ];
  const entry = element(
    ID.TrackEntry,
    Buffer.concat([
      element(ID.TrackNumber, integer(1)),
      element(ID.TrackUID, integer(1)),
      element(ID.TrackType, integer(SOUND)),
      element(ID.Language, Buffer.from(language)),
      element(ID.CodecID, Buffer.from("A_AAC")),
      element(ID.CodecPrivate, codecPrivate),
      element(ID.Audio, Buffer.concat(audio)),
    ]),
  );
  return { number: 1, entry, codecPrivate, delay: 0 };
}
