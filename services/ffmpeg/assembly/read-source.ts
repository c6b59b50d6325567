import { matroskaHeader } from "../formats/matroska/writer.ts";
import { PACKET_BYTES, PACKET_LINES, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { type FfmpegSpec, runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding, type SourceAddress, untrustedInput } from "../process/sandbox.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { Assembly } from "./assembly.ts";
import type { AudioOutput } from "./audio-output.ts";
import { Origin } from "./origin.ts";
import { EarlyAudioBuffer, readAudio, readTrackHeader, trackHeaderOutput } from "./read-audio.ts";
import type { AudioPacket } from "./split-audio-packets.ts";

const QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error"];

/** What a reading of the source needs, whatever is done with the picture. */
export type SourceReading = {
  binary: string;
  directory: string;
  address: SourceAddress;
  /** ffprobe's name of the source's container. */
  format: string;
  /** Whether its tracks are looked for further into the file. */
  isDeep?: boolean;
  audio: readonly AudioTrack[];
  /** What becomes of each track. */
  audioOutputs: readonly AudioOutput[];
  /** Aborted also, with the failure as its reason, where the source can't be fetched. */
  signal: AbortSignal;
};

/** Outputs for the picture, and what is done with their pipes. */
export type VideoReader = {
  /** ffmpeg's options of the source, where it's decoded. Default: none. */
  decoding?: readonly string[];
  /**
   * ffmpeg's options of each, by name: `pipe:3` and up, in this order. Null: a pipe that the options
   * of a file name.
   */
  outputs: Readonly<Record<string, readonly string[] | null>>;
  /** Files that ffmpeg writes. Default: none. */
  files?: NonNullable<FfmpegSpec["files"]>;
  /** Sets `origin` as soon as the first frame's time is known. Resolves at the end of the pipes. */
  read(pipes: Readonly<Record<string, OutputPipe>>, origin: Origin): Promise<void>;
  /**
   * Resolves when nothing of it runs any more. To be called once the reading has ended or was
   * aborted.
   */
  ended(): Promise<void>;
};

/** What threads that decode a frame each make of damage depends on their number. */
const DETERMINISTIC_DECODING = ["-thread_type", "slice"];

/**
 * Reads the source once, forward: the picture as asked, every packet of sound into the assembly.
 * Resolves when the source was read to its end.
 */
export async function readSource(reading: SourceReading, picture: VideoReader, assembly: Assembly): Promise<void> {
  const { binary, directory, address, format, audio, audioOutputs, signal } = reading;
  const ofTrack = ({ index }: AudioTrack) => [
    "-map",
    `0:${index}`,
    "-map_chapters",
    "-1",
    "-max_muxing_queue_size",
    "4096",
  ];
  const names = Object.keys(picture.outputs);
  await runFfmpeg(
    {
      binary,
      directory,
      source: address,
      signal,
      inputs: [
        {
          from: address.url,
          options: [
            ...QUIET,
            ...DETERMINISTIC_DECODING,
            ...boundedDecoding,
            ...(picture.decoding ?? []),
            ...untrustedInput(format, reading.isDeep),
          ],
        },
      ],
      files: picture.files ?? [],
      pipes: {
        pictures: Object.values(picture.outputs),
        headers: audio.map((track, at) => [...ofTrack(track), ...trackHeaderOutput(track, audioOutputs[at]!)]),
        lines: audio.map((track, at) => [...ofTrack(track), ...audioOutputs[at]!.readOptions, ...PACKET_LINES]),
        bytes: audio.map((track, at) => [...ofTrack(track), ...audioOutputs[at]!.readOptions, ...PACKET_BYTES]),
      },
    },
    async ({ outputs: { pictures, headers, lines, bytes } }) => {
      const origin = new Origin();
      const held = new EarlyAudioBuffer();
      const readPicture = async () => {
        await picture.read(Object.fromEntries(names.map((name, at) => [name, pictures[at]!])), origin);
        origin.end();
      };
      const header = Promise.all(audio.map((track, at) => readTrackHeader(headers[at]!, track))).then(matroskaHeader);
      const readTrack = async (track: number) => {
        const tracks = await header;
        const packets = readPackets(lines[track]!, bytes[track]!);
        const { codec, lead } = audio[track]!;
        const onPacket = (packet: AudioPacket) => assembly.addAudio(tracks, track, packet);
        await readAudio(packets, { codec, origin, held, lead, signal, onPacket });
      };
      await Promise.all([readPicture(), ...audio.map((_, track) => readTrack(track))]);
    },
  );
}
