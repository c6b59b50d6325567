import { matroskaHeader } from "../formats/matroska/writer.ts";
import { PACKET_BYTES, PACKET_LINES, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { type FfmpegSpec, runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding, type SourceAddress, untrustedInput } from "../process/sandbox.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { SeekPoint } from "../source/seek-point.ts";
import type { Assembly } from "./assembly.ts";
import type { AudioWay } from "./audio-codecs.ts";
import type { AudioPacket } from "./audio-division.ts";
import { HeldAudio, headOutput, readAudio, readTrackHead } from "./audio-reading.ts";
import { Origin } from "./origin.ts";

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
  ways: readonly AudioWay[];
  /** Where the reading begins. Default: at the source's start. */
  seek?: SeekPoint | undefined;
  /** Aborted also, with the failure as its reason, where the source can't be fetched. */
  signal: AbortSignal;
};

/** Outputs for the picture, and what is done with their pipes. */
export type PictureReading = {
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
const SAME_EACH_TIME = ["-thread_type", "slice"];

/**
 * Reads the source once, forward: the picture as asked, each packet of sound into the assembly.
 * Resolves when the source was read to its end.
 */
export async function readSource(reading: SourceReading, picture: PictureReading, assembly: Assembly): Promise<void> {
  const { binary, directory, address, format, audio, ways, seek, signal } = reading;
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
            ...SAME_EACH_TIME,
            ...boundedDecoding,
            ...(picture.decoding ?? []),
            ...(seek?.options ?? []),
            ...untrustedInput(format, reading.isDeep),
          ],
        },
      ],
      files: picture.files ?? [],
      pipes: {
        pictures: Object.values(picture.outputs),
        heads: audio.map((track, at) => [...ofTrack(track), ...headOutput(track, ways[at]!)]),
        lines: audio.map((track, at) => [...ofTrack(track), ...ways[at]!.reading, ...PACKET_LINES]),
        bytes: audio.map((track, at) => [...ofTrack(track), ...ways[at]!.reading, ...PACKET_BYTES]),
      },
    },
    async ({ outputs: { pictures, heads, lines, bytes } }) => {
      const origin = new Origin();
      const held = new HeldAudio();
      const readPicture = async () => {
        await picture.read(Object.fromEntries(names.map((name, at) => [name, pictures[at]!])), origin);
        origin.end();
      };
      const header = Promise.all(audio.map((track, at) => readTrackHead(heads[at]!, track))).then(matroskaHeader);
      const readTrack = async (track: number) => {
        const tracks = await header;
        const packets = readPackets(lines[track]!, bytes[track]!);
        const { codec } = audio[track]!;
        // Only at the start of the source does sound come long before the picture.
        const lead = seek === undefined ? audio[track]!.lead : 0;
        const onPacket = (packet: AudioPacket) => assembly.addAudio(tracks, track, packet);
        await readAudio(packets, { codec, origin, held, lead, signal, onPacket });
      };
      await Promise.all([readPicture(), ...audio.map((_, track) => readTrack(track))]);
    },
  );
}
