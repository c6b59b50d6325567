import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  decodePicture,
  fromFirstKeyframe,
  type Packets,
  type Picture,
  type PictureTrack,
  packetsOf,
} from "./picture.ts";
import { decoderFor, formatOf, type Probe, pictureTracks, probe, type Stream, soundTracks } from "./probe.ts";
import { decodeSound, type Sound } from "./sound.ts";

/** A file that is decoded: the picture that a player shows, and the sound that it plays with it. */
export type Source = {
  path: string;
  probe: Probe;
  /** Undefined where no frame of any picture decodes. */
  shown: { stream: Stream; track: PictureTrack; picture: Picture; packets: Packets } | undefined;
  /** Tracks that have sound: what is declared and empty is no track. */
  sounds: { stream: Stream; sound: Sound }[];
};

/** The first track that decodes, in a player's order. */
async function shownPicture(path: string, description: Probe): Promise<Source["shown"]> {
  for (const stream of pictureTracks(description)) {
    const track = { path, format: formatOf(description), index: stream.index, decoder: decoderFor(stream) };
    const packets = await packetsOf(path, stream.index);
    const picture = fromFirstKeyframe(await decodePicture(track), packets);
    if (picture.frames.length > 0) return { stream, track, picture, packets };
  }
  return undefined;
}

/** Decodes all of a source once. Its sound is kept in `folder`. */
export async function openSource(path: string, folder: string): Promise<Source> {
  await mkdir(folder, { recursive: true });
  const description = await probe(path);
  const shown = await shownPicture(path, description);
  const sounds: Source["sounds"] = [];
  for (const stream of shown === undefined ? [] : soundTracks(description, shown.stream.index)) {
    const track = { path, format: formatOf(description), index: stream.index, codec: stream.codec_name ?? "" };
    const sound = await decodeSound(track, join(folder, `source-${stream.index}.pcm`));
    if (sound.runs.length > 0) sounds.push({ stream, sound });
  }
  return { path, probe: description, shown, sounds };
}
