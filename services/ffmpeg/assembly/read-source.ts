import type { MatroskaTrack } from "../formats/matroska/reader.ts";
import { matroskaHeader } from "../formats/matroska/writer.ts";
import { PACKET_BYTES, PACKET_LINES, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { type FfmpegSpec, runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding, DETERMINISTIC_DECODING, type SourceAddress, untrustedInput } from "../process/sandbox.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { SeekPoint } from "../source/seek-point.ts";
import type { Assembly } from "./assembly.ts";
import type { AudioOutput } from "./audio-output.ts";
import { Origin } from "./origin.ts";
import { EarlyAudioBuffer, readAudio, readTrackHeader, trackHeaderOutput } from "./read-audio.ts";
import type { AudioPacket } from "./split-audio-packets.ts";

const QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error"];

/** What every reading of the source needs, however the video is processed. */
export type SourceReading = {
  binary: string;
  directory: string;
  address: SourceAddress;
  /** The source's container, as ffprobe names it. */
  format: string;
  /** Whether ffmpeg probes further into the file for its tracks. */
  isDeep?: boolean;
  audio: readonly AudioTrack[];
  /** How each track is written. */
  audioOutputs: readonly AudioOutput[];
  /** Further input options. */
  inputOptions?: readonly string[];
  /** Where reading begins. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  /** Also aborted when the source can't be fetched, with the failure as its reason. */
  signal: AbortSignal;
};

/** ffmpeg outputs of the video, and the code that reads their pipes. */
export type VideoReader = {
  /** Input options for decoding the source. Default: none. */
  decoding?: readonly string[];
  /**
   * Output options of each pipe, by name: `pipe:3` and up, in this order. Null: a pipe that the
   * options of a file name.
   */
  outputs: Readonly<Record<string, readonly string[] | null>>;
  /** Files that ffmpeg writes. Default: none. */
  files?: NonNullable<FfmpegSpec["files"]>;
  /** Sets `origin` when the first frame's time is known. Resolves at the end of the pipes. */
  read(pipes: Readonly<Record<string, OutputPipe>>, origin: Origin): Promise<void>;
  /**
   * Resolves when nothing started by `read` runs any more. Call it when the reading has ended or
   * was aborted.
   */
  ended(): Promise<void>;
};

/** Options of an output with one audio track. */
const ofTrack = ({ index }: AudioTrack): string[] => [
  ...["-map", `0:${index}`, "-map_chapters", "-1", "-max_muxing_queue_size", "4096"],
];

const headerOutputs = ({ audio, audioOutputs }: SourceReading): string[][] =>
  audio.map((track, at) => [...ofTrack(track), ...trackHeaderOutput(track, audioOutputs[at]!)]);

const inputOf = ({ address, format, isDeep, inputOptions = [], seek }: SourceReading, decoding: readonly string[]) => ({
  from: address.url,
  options: [
    ...QUIET,
    ...DETERMINISTIC_DECODING,
    ...boundedDecoding,
    ...decoding,
    ...inputOptions,
    ...(seek?.options ?? []),
    ...untrustedInput(format, isDeep),
  ],
});

/**
 * Describes all audio tracks in a reading of their own. Undefined where the first packets of one
 * reading do. A track with ADTS headers is described by its first packet, which may be far behind
 * those of another track: these would fill their pipe, and ffmpeg would wait for ever.
 */
async function headersAhead(reading: SourceReading): Promise<MatroskaTrack[] | undefined> {
  const { binary, directory, address, audio, signal } = reading;
  if (audio.length < 2 || !audio.some(({ isAdts }) => isAdts)) return undefined;
  let headers: MatroskaTrack[] = [];
  await runFfmpeg(
    {
      ...{ binary, directory, source: address, signal },
      inputs: [inputOf({ ...reading, seek: undefined }, [])],
      pipes: { headers: headerOutputs(reading) },
    },
    async ({ outputs }) => {
      headers = await Promise.all(audio.map((track, at) => readTrackHeader(outputs.headers[at]!, track)));
    },
  );
  return headers;
}

/**
 * Reads the source once, forward: video as requested, every audio packet into the assembly.
 * Resolves at the end of the source.
 */
export async function readSource(reading: SourceReading, video: VideoReader, assembly: Assembly): Promise<void> {
  const { binary, directory, address, audio, audioOutputs, seek, signal } = reading;
  const names = Object.keys(video.outputs);
  const known = await headersAhead(reading);
  await runFfmpeg(
    {
      ...{ binary, directory, source: address, signal },
      inputs: [inputOf(reading, video.decoding ?? [])],
      files: video.files ?? [],
      pipes: {
        video: Object.values(video.outputs),
        headers: known === undefined ? headerOutputs(reading) : [],
        lines: audio.map((track, at) => [...ofTrack(track), ...audioOutputs[at]!.readOptions, ...PACKET_LINES]),
        bytes: audio.map((track, at) => [...ofTrack(track), ...audioOutputs[at]!.readOptions, ...PACKET_BYTES]),
      },
    },
    async ({ outputs: { video: videoPipes, headers, lines, bytes } }) => {
      const origin = new Origin();
      const early = new EarlyAudioBuffer();
      const readVideo = async () => {
        await video.read(Object.fromEntries(names.map((name, at) => [name, videoPipes[at]!])), origin);
        origin.end();
      };
      const described = known ?? Promise.all(audio.map((track, at) => readTrackHeader(headers[at]!, track)));
      const header = Promise.resolve(described).then(matroskaHeader);
      const readTrack = async (track: number) => {
        const tracks = await header;
        const packets = readPackets(lines[track]!, bytes[track]!);
        const { codec } = audio[track]!;
        // Audio comes long before the video only at the start of the source.
        const lead = seek === undefined ? audio[track]!.lead : 0;
        const onPacket = (packet: AudioPacket) => assembly.addAudio(tracks, track, packet);
        await readAudio(packets, { codec, origin, early, lead, signal, onPacket });
      };
      await Promise.all([readVideo(), ...audio.map((_, track) => readTrack(track))]);
    },
  );
}
