import { isCausedByFile } from "../process/errors.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { PACKET_BYTES, PACKET_LINES, readPacketLines, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { LATE_VIDEO_OPTIONS, type PacketHandlers, type SegmentFile } from "./segment-file.ts";

/**
 * Muxers that write a frame rate, and so each frame's duration. In other files ffmpeg guesses it.
 */
const STATES_FRAME_RATE: readonly string[] = ["avi", "ogg"];

/** Reads a segment file with ffmpeg's demuxers: transport streams, AVI, FLV and Ogg. */
export async function demuxSegment(segment: SegmentFile, handlers: PacketHandlers): Promise<void> {
  // A transport stream lists tracks that have no packet here, and ffmpeg copies none of these.
  const tracks = segment.audio.flatMap(({ isEmpty }, track) => (isEmpty ? [] : [track]));
  let hasBegun = false;
  const noting: PacketHandlers = {
    onVideo: (packet) => {
      hasBegun = true;
      return handlers.onVideo(packet);
    },
    onAudio: (track, time, duration) => {
      hasBegun = true;
      handlers.onAudio(track, time, duration);
    },
  };
  try {
    return await demux(segment, tracks, noting);
  } catch (error) {
    if (hasBegun || tracks.length === 0 || !isCausedByFile(error)) throw error;
  }
  // Nor does it copy a track without parameters: a part of a frame may be all that there is of it.
  await demux(segment, [], handlers);
  for (const track of tracks) await probeAudio(segment, track, handlers.onAudio);
}

const QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error"];

/** `tracks`: the audio tracks that are read. */
async function demux(segment: SegmentFile, tracks: readonly number[], handlers: PacketHandlers): Promise<void> {
  const { binary, directory, path, container, signal } = segment;
  const copied = ["-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"];
  const video = ["-map", "0:v:0", ...copied];
  const statesDuration = STATES_FRAME_RATE.includes(container.muxer);
  await runFfmpeg(
    {
      ...{ binary, directory, signal },
      inputs: [{ from: path, options: [...QUIET, ...LATE_VIDEO_OPTIONS, "-copyts"] }],
      pipes: {
        lines: [...video, ...PACKET_LINES],
        bytes: [...video, ...PACKET_BYTES],
        audio: tracks.map((track) => ["-map", `0:a:${track}`, ...copied, ...PACKET_LINES]),
      },
    },
    async ({ outputs: { lines, bytes, audio } }) => {
      const readVideo = async () => {
        for await (const { clock, pts, dts, duration, data } of readPackets(lines, bytes))
          await handlers.onVideo({
            time: ((pts ?? dts) * clock.num) / clock.den,
            key: undefined,
            duration: statesDuration && duration > 0 ? (duration * clock.num) / clock.den : undefined,
            data,
          });
      };
      const readAudio = async (pipe: OutputPipe, at: number) => {
        for await (const { clock, line } of readPacketLines(pipe))
          handlers.onAudio(
            tracks[at]!,
            ((line.pts ?? line.dts) * clock.num) / clock.den,
            (line.duration * clock.num) / clock.den,
          );
      };
      await Promise.all([readVideo(), ...audio.map(readAudio)]);
    },
  );
}

/** Reads the packets of an audio track with ffprobe, which needs no parameters. */
async function probeAudio(
  { ffprobe, path, signal }: SegmentFile,
  track: number,
  onAudio: PacketHandlers["onAudio"],
): Promise<void> {
  const entries = ["-show_entries", "packet=pts_time,dts_time,duration_time", "-of", "csv=p=0"];
  const args = [...LATE_VIDEO_OPTIONS, "-select_streams", `a:${track}`, ...entries, path];
  await runFfprobe({
    ...{ binary: ffprobe, signal, args },
    onLine: (line) => {
      const [pts, dts, duration] = line.split(",").map(Number) as [number, number, number];
      const time = Number.isNaN(pts) ? dts : pts;
      if (!Number.isNaN(time)) onAudio(track, time, duration || 0);
    },
  });
}
