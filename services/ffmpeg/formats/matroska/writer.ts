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
  /** As the reader gives them. */
  additions?: Buffer | undefined;
};

/** Nanoseconds a tick: times are in microseconds. */
const TIMESTAMP_SCALE = 1_000;

/** Of unknown size: the segment goes to the end of the file. */
const SEGMENT = Buffer.from("1853806701ffffffffffffff", "hex");

/** A track whose decoder's configuration is another one. */
export function withCodecPrivate(track: MatroskaTrack, codecPrivate: Buffer): MatroskaTrack {
  const [entry] = elementsIn(track.entry);
  const others = [...elementsIn(entry?.body ?? Buffer.alloc(0))].filter(({ id }) => id !== ID.CodecPrivate);
  const parts = [...others.map(({ whole }) => whole), element(ID.CodecPrivate, codecPrivate)];
  return { ...track, codecPrivate, entry: element(ID.TrackEntry, Buffer.concat(parts)) };
}

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
 * One packet as a cluster of its own, so that its time needs no more than the cluster's. Throws
 * `CutFailedError` (UnreadableMedia) for a time below zero.
 */
export function matroskaCluster({ track, time, duration, key, data, additions }: MatroskaPacket): Buffer {
  // No time relative to the cluster's, and no flags.
  const block = element(ID.Block, Buffer.concat([shortVint(track.number), Buffer.from([0, 0, 0]), data]));
  const group = [block];
  if (additions !== undefined) group.push(additions);
  if (duration !== undefined) group.push(element(ID.BlockDuration, integer(duration)));
  // That there is one makes it no keyframe; which one doesn't matter to any reader.
  if (!key) group.push(element(ID.ReferenceBlock, Buffer.from([0xff])));
  const timestamp = element(ID.Timestamp, integer(time + track.delay));
  return element(ID.Cluster, Buffer.concat([timestamp, element(ID.BlockGroup, Buffer.concat(group))]));
}
