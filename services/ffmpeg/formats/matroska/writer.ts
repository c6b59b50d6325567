import { element, elementsIn, integer, shortVint } from "./ebml.ts";
import { ID } from "./ids.ts";
import type { MatroskaTrack } from "./reader.ts";

/** Writes packets to Matroska files, with times in microseconds. RFC 9559. */

/** Everything in front of the packets. */
export type MatroskaHeader = { bytes: Buffer; tracks: MatroskaTrack[] };

export type MatroskaPacket = {
  track: MatroskaTrack;
  /** Microseconds; not negative. */
  time: number;
  duration: number | undefined;
  key: boolean;
  data: Buffer;
  /** BlockAdditions, as the reader returns them. */
  additions?: Buffer | undefined;
};

/** Nanoseconds per tick: times are microseconds. */
const TIMESTAMP_SCALE = 1_000;

/** A Segment element of unknown size: it extends to the end of the file. */
const SEGMENT = Buffer.from("1853806701ffffffffffffff", "hex");

/** The elements of a TrackEntry except those with an id. */
function elementsWithout(track: MatroskaTrack, omitted: number): Buffer[] {
  const [entry] = elementsIn(track.entry);
  const elements = [...elementsIn(entry?.body ?? Buffer.alloc(0))];
  return elements.filter(({ id }) => id !== omitted).map(({ whole }) => whole);
}

const entryOf = (elements: readonly Buffer[]): Buffer => element(ID.TrackEntry, Buffer.concat(elements));

/**
 * A copy of the track without CodecDelay. For codecs whose encoders begin with silence that the
 * times of the packets account for already.
 */
export const withoutDelay = (track: MatroskaTrack): MatroskaTrack => ({
  ...track,
  delay: 0,
  entry: entryOf(elementsWithout(track, ID.CodecDelay)),
});

/** A copy of the track with another decoder configuration. */
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

/** The header of a file with these tracks, renumbered from 1. */
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
 * A packet in a cluster of its own, so that its time isn't limited to 16 bits. Throws
 * `CutFailedError` (UnreadableMedia) for a negative time.
 */
export function matroskaCluster({ track, time, duration, key, data, additions }: MatroskaPacket): Buffer {
  // Relative time 0, no flags.
  const block = element(ID.Block, Buffer.concat([shortVint(track.number), Buffer.from([0, 0, 0]), data]));
  const group = [block];
  if (additions !== undefined) group.push(additions);
  if (duration !== undefined) group.push(element(ID.BlockDuration, integer(duration)));
  // Any ReferenceBlock marks it as not a keyframe; readers ignore which one.
  if (!key) group.push(element(ID.ReferenceBlock, Buffer.from([0xff])));
  const timestamp = element(ID.Timestamp, integer(time + track.delay));
  return element(ID.Cluster, Buffer.concat([timestamp, element(ID.BlockGroup, Buffer.concat(group))]));
}
