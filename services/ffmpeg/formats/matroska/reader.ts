import { ByteReader } from "../../process/byte-reader.ts";
import { unreadable } from "../../process/errors.ts";
import {
  childOf,
  elementsIn,
  MAX_ID_BYTES,
  MAX_SIZE_BYTES,
  readElementHeader,
  readVint,
  unsigned,
  vintLength,
} from "./ebml.ts";
import { ID } from "./ids.ts";

/**
 * Reads packets from the output of ffmpeg's matroska muxer, which holds every codec and needs no
 * seeking. RFC 9559.
 */

export type MatroskaTrack = {
  number: number;
  /** Its TrackEntry with header. */
  entry: Buffer;
  codecPrivate: Buffer | undefined;
  /** CodecDelay: microseconds that readers subtract from every time of the track. */
  delay: number;
};

/** A packet of the stream. */
export type StreamPacket = {
  /** Number of its track. */
  track: number;
  /** Seconds, before the track's delay is subtracted. */
  time: number;
  key: boolean;
  data: Buffer;
  /** Its BlockAdditions with header, such as transparency. */
  additions: Buffer | undefined;
};

/** Elements whose children are read one by one. Only they may be of unknown size. */
const ENTERED: readonly number[] = [ID.Segment, ID.Cluster];

/** An uncompressed 8K frame with 16 bits per sample: larger than any encoder's packet. */
const MAX_ELEMENT_BYTES = 256 * 1024 * 1024;

type StreamElement = { id: number; body: Buffer };

/**
 * The elements of a stream. Those in `ENTERED` are returned with an empty body when they begin.
 * Ends without an error where the stream ends.
 */
async function* elementsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<StreamElement> {
  const reader = new ByteReader(stream);
  const vint = async (maxBytes: number): Promise<Buffer | undefined> => {
    const first = await reader.read(1);
    const length = first && vintLength(first[0]!);
    if (first === undefined || length === undefined) return undefined;
    if (length > maxBytes) throw unreadable("ffmpeg's output is not a Matroska stream");
    const rest = await reader.read(length - 1);
    return rest && Buffer.concat([first, rest]);
  };
  for (;;) {
    const name = await vint(MAX_ID_BYTES);
    const length = name && (await vint(MAX_SIZE_BYTES));
    if (name === undefined || length === undefined) return;
    const { id, size } = readElementHeader(Buffer.concat([name, length]), 0)!;
    if (ENTERED.includes(id)) {
      yield { id, body: Buffer.alloc(0) };
      continue;
    }
    if (size === undefined || size > MAX_ELEMENT_BYTES)
      throw unreadable(`a Matroska element has ${size === undefined ? "no known size" : `${size} bytes`}`);
    const body = await reader.read(size);
    if (body === undefined) return;
    yield { id, body };
  }
}

function tracksOf(body: Buffer): MatroskaTrack[] {
  const tracks: MatroskaTrack[] = [];
  for (const { id, body: entry, whole } of elementsIn(body)) {
    if (id !== ID.TrackEntry) continue;
    tracks.push({
      number: unsigned(childOf(entry, ID.TrackNumber)),
      entry: whole,
      codecPrivate: childOf(entry, ID.CodecPrivate),
      delay: Math.round(unsigned(childOf(entry, ID.CodecDelay)) / 1_000),
    });
  }
  return tracks;
}

/**
 * Throws for a stream with longer ids or sizes than Matroska's. RFC 8794, sections 11.2.4 and
 * 11.2.5.
 */
function assertLimits(header: Buffer): void {
  const [ids, sizes] = [childOf(header, ID.EBMLMaxIDLength), childOf(header, ID.EBMLMaxSizeLength)];
  if (unsigned(ids) > MAX_ID_BYTES || unsigned(sizes) > MAX_SIZE_BYTES)
    throw unreadable("the EBML stream has longer ids or sizes than Matroska allows");
}

const KEY = 0x80;
const LACING = 0x06;

type Block = { track: number; relativeTime: number; flags: number; data: Buffer };

/**
 * Reads a block: track number, 16 bits of time, 8 bits of flags, packet. RFC 9559, sections 10.1
 * and 10.2.
 */
function readBlock(body: Buffer): Block {
  const track = readVint(body, 0);
  if (track === undefined || body.length < track.length + 3) throw unreadable("a Matroska block has no header");
  const flags = body[track.length + 2]!;
  if ((flags & LACING) !== 0) throw unreadable("a Matroska block has several packets, which ffmpeg doesn't write");
  const relativeTime = body.readInt16BE(track.length);
  return { track: track.value, relativeTime, flags, data: body.subarray(track.length + 3) };
}

/**
 * A SimpleBlock has a keyframe flag; a block in a BlockGroup is a keyframe unless it has a
 * ReferenceBlock.
 */
function blockOf({ id, body }: StreamElement): (Block & Pick<StreamPacket, "key" | "additions">) | undefined {
  if (id === ID.SimpleBlock) {
    const block = readBlock(body);
    return { ...block, key: (block.flags & KEY) !== 0, additions: undefined };
  }
  if (id !== ID.BlockGroup) return undefined;
  const found = new Map([...elementsIn(body)].map((one) => [one.id, one]));
  const block = found.get(ID.Block);
  if (block === undefined) return undefined;
  const additions = found.get(ID.BlockAdditions)?.whole;
  return { ...readBlock(block.body), key: !found.has(ID.ReferenceBlock), additions };
}

const NANOSECONDS = 1_000_000_000;
const DEFAULT_SCALE = 1_000_000;

/**
 * Passes on a stream's tracks as soon as they're known, then every packet. Ends with the stream,
 * also where that is cut off. Throws `CutFailedError` (UnreadableMedia) for anything but ffmpeg's
 * Matroska, and what the callbacks throw.
 */
export async function readMatroska(
  stream: AsyncIterable<Buffer>,
  onTracks: (tracks: MatroskaTrack[]) => void,
  onPacket: (packet: StreamPacket) => void | Promise<void>,
): Promise<void> {
  let scale = DEFAULT_SCALE;
  let cluster = 0;
  for await (const element of elementsOf(stream)) {
    const { id, body } = element;
    if (id === ID.EBML) assertLimits(body);
    if (id === ID.Info) scale = unsigned(childOf(body, ID.TimestampScale)) || DEFAULT_SCALE;
    if (id === ID.Tracks) onTracks(tracksOf(body));
    if (id === ID.Cluster) cluster = 0;
    if (id === ID.Timestamp) cluster = unsigned(body);
    const block = blockOf(element);
    if (block === undefined) continue;
    const { track, relativeTime, key, data, additions } = block;
    await onPacket({ track, time: ((cluster + relativeTime) * scale) / NANOSECONDS, key, data, additions });
  }
}
