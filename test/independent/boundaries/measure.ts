import { decoderFor, formatOf, type Probe, probe, type Stream, videoTracks } from "../probe.ts";
import { TIME_ROUNDING_S } from "../tolerances.ts";
import { ffmpegLines, ffprobe } from "../tools.ts";
import { decodeVideo, type Frame, fromFirstKeyframe, type Packets, type Video, type VideoTrack } from "../video.ts";

/** A stored packet of video, without what containers change: its slices only. */
export type Slices = {
  time: number;
  isKey: boolean;
  hash: string;
  /** Seconds; 0: unknown. */
  duration: number;
  /** Counts the sample descriptions: a packet with other parameters than those before has the next number. */
  description: number;
};

/** A video track that was decoded, and its packets in decode order. */
export type Measured = {
  path: string;
  stream: Stream;
  track: VideoTrack;
  /** All frames that the decoder returns; hashes are MD5. */
  video: Video;
  /** From the first keyframe on. */
  frames: readonly Frame[];
  packets: readonly Slices[];
};

/** NAL units that aren't slices: containers add, move and remove some of them. */
const SLICE_UNITS: Readonly<Record<string, string>> = { h264: "1-5", hevc: "0-31" };

/**
 * Hashes and times of the stored packets. Empty when ffmpeg can't copy the track. Times are
 * ffprobe's: ffmpeg changes those whose decode times don't fit.
 */
async function packetsOf({ path, index }: VideoTrack, codec: string): Promise<Slices[]> {
  const units = SLICE_UNITS[codec];
  const filter = units === undefined ? [] : ["-bsf:v", `filter_units=pass_types=${units}`];
  const hashes: string[] = [];
  const copy = ["-map", `0:${index}`, "-c", "copy", "-copyinkf", ...filter];
  await ffmpegLines(["-copyts", "-i", path, ...copy, "-f", "framehash", "-hash", "murmur3", "pipe:1"], {
    onLine: (line) => {
      if (!line.startsWith("#")) hashes.push(line.split(",")[5]!.trim());
    },
  });
  const entries = "packet=pts_time,duration_time,flags:packet_side_data=side_data_type";
  const select = ["-select_streams", String(index), "-show_entries", entries, "-of", "compact=p=0"];
  const lines = (await ffprobe(...select, path)).split("\n").filter(Boolean);
  if (lines.length !== hashes.length) return [];
  let description = 0;
  return lines.map((line, at) => {
    const { pts_time, duration_time, flags, side_data_type } = Object.fromEntries(
      line.split("|").map((field) => field.split("=")),
    );
    if (side_data_type === "New Extradata") description += 1;
    const isKey = flags?.startsWith("K") ?? false;
    return { time: Number(pts_time), duration: Number(duration_time) || 0, isKey, description, hash: hashes[at]! };
  });
}

/** The track that players show, and its place in the file. */
export type Place = Pick<Measured, "stream"> & Pick<VideoTrack, "format" | "index" | "decoder">;

/** The video tracks of a file, the one that players show first. */
export async function placesIn(path: string): Promise<Place[]> {
  const description: Probe = await probe(path);
  return videoTracks(description).map((stream) => ({
    ...{ stream, format: formatOf(description), index: stream.index, decoder: decoderFor(stream) },
  }));
}

/** ffprobe replaces some durations of MOV by one tick of a clock that is finer than this. */
const ONE_TICK_S = 0.002;

/** When a track ends; unknown: never. Seconds. */
const endOf = ({ start_time, duration }: Measured["stream"]): number =>
  Number(start_time) + Number(duration) || Number.NEGATIVE_INFINITY;

/** Decodes a track, and reads its packets. */
export async function measure(path: string, { stream, ...place }: Place): Promise<Measured> {
  const track: VideoTrack = { path, ...place };
  const video = await decodeVideo(track, "md5", "warnings");
  const packets = await packetsOf(track, stream.codec_name ?? "");
  const startsWithKey = packets.length === 0 ? video.frames[0]?.isKey === true : packets[0]!.isKey;
  const { frames } = fromFirstKeyframe(video, { startsWithKey } as Packets);
  // A decoder gives the last frame another duration than the container.
  const last = frames.at(-1);
  const packet = packets.find(({ time }) => last !== undefined && Math.abs(time - last.time) <= TIME_ROUNDING_S);
  if (last !== undefined && packet !== undefined && packet.duration > 0)
    last.duration =
      packet.duration > ONE_TICK_S ? packet.duration : Math.max(packet.duration, endOf(stream) - last.time);
  return { path, stream, track, video, frames, packets };
}
