import { stat } from "node:fs/promises";
import type { EventData } from "#events-schema";
import { type Audio, decodeAudio } from "./audio.ts";
import { framesThatNeedInBandSets } from "./parameter-sets.ts";
import { formatOf, type Probe, probe, type Stream, videoTracks } from "./probe.ts";
import type { Source } from "./source.ts";
import { decodeVideo, fromFirstKeyframe, type Packets, packetsOf, type Video, type VideoTrack } from "./video.ts";

export type SegmentEvent = EventData<"SegmentCreated">;

/** A decoded segment file, and its event. */
export type Segment = {
  path: string;
  event: SegmentEvent;
  bytes: number;
  probe: Probe;
  stream: Stream | undefined;
  track: VideoTrack;
  video: Video;
  packets: Packets;
  /** Frames that don't decode correctly with only the sample entry's parameter sets. */
  needInBandSets: number;
  audioStreams: Stream[];
  /** In the source's order, with the rate and channels of the source. */
  audios: Audio[];
};

const NO_VIDEO: Video = { frames: [], tick: 0, messages: new Map() };
const NO_PACKETS: Packets = { shown: 0, start: Number.NaN, startsWithKey: false };

/**
 * Decodes a segment on its own. `kept`: the source's audio that it should have. Its audio is
 * written beside it.
 */
export async function measureSegment(
  path: string,
  event: SegmentEvent,
  source: Source,
  kept: Source["audios"],
): Promise<Segment> {
  const description = await probe(path);
  const [stream] = videoTracks(description);
  const isSameCodec = stream?.codec_name === source.shown?.stream.codec_name;
  const decoder = isSameCodec ? source.shown?.track.decoder : undefined;
  const format = formatOf(description);
  const track = { path, format, index: stream?.index ?? 0, decoder };
  const packets = stream === undefined ? NO_PACKETS : await packetsOf(path, stream.index);
  const video = stream === undefined ? NO_VIDEO : fromFirstKeyframe(await decodeVideo(track), packets);
  const audioStreams = description.streams.filter(({ codec_type }) => codec_type === "audio");
  const audios: Audio[] = [];
  for (const [at, { audio }] of kept.entries()) {
    const own = audioStreams[at];
    if (own === undefined) break;
    const { rate, channels } = audio;
    const decoded = { path, format, index: own.index, codec: own.codec_name ?? "" };
    audios.push(await decodeAudio(decoded, `${path}-${own.index}.pcm`, { rate, channels }));
  }
  return {
    path,
    event,
    bytes: (await stat(path)).size,
    probe: description,
    stream,
    track,
    video,
    packets,
    needInBandSets:
      stream === undefined ? 0 : await framesThatNeedInBandSets(track, stream, video, `${path}.in-band.nut`),
    audioStreams,
    audios,
  };
}
