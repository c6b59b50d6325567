import { stat } from "node:fs/promises";
import type { EventData } from "#events-schema";
import { framesThatNeedInBandSets } from "./parameter-sets.ts";
import {
  decodePicture,
  fromFirstKeyframe,
  type Packets,
  type Picture,
  type PictureTrack,
  packetsOf,
} from "./picture.ts";
import { formatOf, type Probe, pictureTracks, probe, type Stream } from "./probe.ts";
import { decodeSound, type Sound } from "./sound.ts";
import type { Source } from "./source.ts";

export type SegmentEvent = EventData<"SegmentCreated">;

/** A decoded segment file, and its event. */
export type Segment = {
  path: string;
  event: SegmentEvent;
  bytes: number;
  probe: Probe;
  stream: Stream | undefined;
  track: PictureTrack;
  picture: Picture;
  packets: Packets;
  /** Frames that don't decode correctly with only the sample entry's parameter sets. */
  needInBandSets: number;
  soundStreams: Stream[];
  /** In the source's order, with the rate and channels of the source. */
  sounds: Sound[];
};

const NO_PICTURE: Picture = { frames: [], tick: 0, complaints: new Map() };
const NO_PACKETS: Packets = { shown: 0, start: Number.NaN, startsWithKey: false };

/**
 * Decodes a segment on its own. `kept`: the source's audio that it should have. Its audio is
 * written beside it.
 */
export async function measureSegment(
  path: string,
  event: SegmentEvent,
  source: Source,
  kept: Source["sounds"],
): Promise<Segment> {
  const description = await probe(path);
  const [stream] = pictureTracks(description);
  const isSameCodec = stream?.codec_name === source.shown?.stream.codec_name;
  const decoder = isSameCodec ? source.shown?.track.decoder : undefined;
  const format = formatOf(description);
  const track = { path, format, index: stream?.index ?? 0, decoder };
  const packets = stream === undefined ? NO_PACKETS : await packetsOf(path, stream.index);
  const picture = stream === undefined ? NO_PICTURE : fromFirstKeyframe(await decodePicture(track), packets);
  const soundStreams = description.streams.filter(({ codec_type }) => codec_type === "audio");
  const sounds: Sound[] = [];
  for (const [at, { sound }] of kept.entries()) {
    const own = soundStreams[at];
    if (own === undefined) break;
    const { rate, channels } = sound;
    const decoded = { path, format, index: own.index, codec: own.codec_name ?? "" };
    sounds.push(await decodeSound(decoded, `${path}-${own.index}.pcm`, { rate, channels }));
  }
  return {
    path,
    event,
    bytes: (await stat(path)).size,
    probe: description,
    stream,
    track,
    picture,
    packets,
    needInBandSets:
      stream === undefined ? 0 : await framesThatNeedInBandSets(track, stream, picture, `${path}.in-band.nut`),
    soundStreams,
    sounds,
  };
}
