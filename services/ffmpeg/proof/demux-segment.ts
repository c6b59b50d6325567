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
  const { binary, directory, path, audioTracks, container, signal } = segment;
  const copied = ["-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"];
  const video = ["-map", "0:v:0", ...copied];
  const statesDuration = STATES_FRAME_RATE.includes(container.muxer);
  await runFfmpeg(
    {
      binary,
      directory,
      signal,
      inputs: [
        { from: path, options: ["-hide_banner", "-nostdin", "-loglevel", "error", ...LATE_VIDEO_OPTIONS, "-copyts"] },
      ],
      pipes: {
        lines: [...video, ...PACKET_LINES],
        bytes: [...video, ...PACKET_BYTES],
        audio: Array.from({ length: audioTracks }, (_, track) => ["-map", `0:a:${track}`, ...copied, ...PACKET_LINES]),
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
      const readAudio = async (pipe: OutputPipe, track: number) => {
        for await (const { clock, line } of readPacketLines(pipe))
          handlers.onAudio(
            track,
            ((line.pts ?? line.dts) * clock.num) / clock.den,
            (line.duration * clock.num) / clock.den,
          );
      };
      await Promise.all([readVideo(), ...audio.map(readAudio)]);
    },
  );
}
