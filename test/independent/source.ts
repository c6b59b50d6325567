import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Audio, decodeAudio } from "./audio.ts";
import { audioTracks, decoderFor, formatOf, type Probe, probe, type Stream, videoTracks } from "./probe.ts";
import { decodeVideo, fromFirstKeyframe, type Packets, packetsOf, type Video, type VideoTrack } from "./video.ts";

/** A decoded file: the video and audio that a player would play. */
export type Source = {
  path: string;
  probe: Probe;
  /** Undefined when no video frame decodes. */
  shown: { stream: Stream; track: VideoTrack; video: Video; packets: Packets } | undefined;
  /** Tracks with audio: declared, empty ones are left out. */
  audios: { stream: Stream; audio: Audio }[];
};

/** The first track that decodes, in the order of players. */
async function shownVideo(path: string, description: Probe): Promise<Source["shown"]> {
  for (const stream of videoTracks(description)) {
    const track = { path, format: formatOf(description), index: stream.index, decoder: decoderFor(stream) };
    const packets = await packetsOf(path, stream.index);
    const video = fromFirstKeyframe(await decodeVideo(track), packets);
    if (video.frames.length > 0) return { stream, track, video, packets };
  }
  return undefined;
}

/** Decodes a source once. Its audio is stored in `folder`. */
export async function openSource(path: string, folder: string): Promise<Source> {
  await mkdir(folder, { recursive: true });
  const description = await probe(path);
  const shown = await shownVideo(path, description);
  const audios: Source["audios"] = [];
  for (const stream of shown === undefined ? [] : audioTracks(description, shown.stream.index)) {
    const track = { path, format: formatOf(description), index: stream.index, codec: stream.codec_name ?? "" };
    const audio = await decodeAudio(track, join(folder, `source-${stream.index}.pcm`));
    if (audio.runs.length > 0) audios.push({ stream, audio });
  }
  return { path, probe: description, shown, audios };
}
