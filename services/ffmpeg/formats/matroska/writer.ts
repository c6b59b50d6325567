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

/** The elements of a track's entry but those of an id. */
function elementsWithout(track: MatroskaTrack, left: number): Buffer[] {
  const [entry] = elementsIn(track.entry);
  const elements = [...elementsIn(entry?.body ?? Buffer.alloc(0))];
  return elements.filter(({ id }) => id !== left).map(({ whole }) => whole);
}

const entryOf = (elements: readonly Buffer[]): Buffer => element(ID.TrackEntry, Buffer.concat(elements));

/**
 * A track whose times are no longer moved by its readers. For codecs that encoders begin with
 * silence, of which the times of the packets tell as well.
 */
export const withoutDelay = (track: MatroskaTrack): MatroskaTrack => ({
  ...track,
  delay: 0,
  entry: entryOf(elementsWithout(track, ID.CodecDelay)),
});

/** A track whose decoder's configuration is another one. */
export const withCodecPrivate = (track: MatroskaTrack, codecPrivate: Buffer): MatroskaTrack => ({
  ...track,
  codecPrivate,
  entry: entryOf([...elementsWithout(track, ID.CodecPrivate), element(ID.CodecPrivate, codecPrivate)]),
});

const renumbered = (track: MatroskaTrack, number: number): MatroskaTrack => ({
  ...track,
  number,
  entry: entryOf([element(ID.TrackNumber, integer(number)), ...elementsWithout(track, ID.TrackNumber)]),
});

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
