import { adtsTrack, type MatroskaTrack, matroskaHeader, readMatroska } from "../formats/matroska.ts";
import { ByteReader } from "../process/byte-reader.ts";
import { unreadable } from "../process/errors.ts";
import { PACKET_BYTES, PACKET_LINES, type ReadPacket, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { untrustedInput } from "../process/sandbox.ts";
import type { Assembly } from "./assembly.ts";

export type AudioTrack = {
  /** ffmpeg's. */
  index: number;
  codec: string;
  /** ISO 639-2; "und" where it's unknown. */
  language: string;
};

/** What a reading of the source needs, whatever is done with the picture. */
export type SourceReading = {
  binary: string;
  directory: string;
  /** Of the loopback source. */
  url: string;
  /** ffprobe's name of the source's container. */
  format: string;
  audio: readonly AudioTrack[];
  signal: AbortSignal;
};

/** Outputs for the picture, and what is done with their pipes. */
export type PictureReading = {
  outputs: string[][];
  /** Resolves `origin` with the first frame's time on ffmpeg's clock, in seconds, as soon as it's known. */
  read: (pipes: OutputPipe[], origin: (seconds: number) => void) => Promise<void>;
};

/** Codecs that Matroska holds as they are. The few others are encoded: nothing that players know holds them with the picture. */
const HELD_BY_MATROSKA =
  /^(aac|mp3|mp2|ac3|eac3|dts|opus|vorbis|flac|alac|truehd|wmav[12]|pcm_(alaw|mulaw|[su](8|16|24|32)(le|be)?|f(32|64)le))$/;

/** What each audio track's codec is in the segments. */
export const keptAudioCodec = (codec: string): string => (HELD_BY_MATROSKA.test(codec) ? codec : "aac");

const audioOptions = (codec: string): string[] => {
  if (keptAudioCodec(codec) !== codec) return ["-c", "aac", "-b:a", "128k"];
  // Transport streams carry a header on each packet, which MP4 and Matroska keep once.
  return codec === "aac" ? ["-c", "copy", "-bsf:a", "aac_adtstoasc"] : ["-c", "copy"];
};

/** More sound than this before the first picture is no reading of a video. */
const MOST_HELD_PACKETS = 100_000;

const FIRST_PACKET = ["-frames:a", "1", "-flush_packets", "1"];

/** Containers in which each packet of AAC has a header of its own, and the track none. */
const HAS_ADTS = ["mpegts", "mpeg"];

const isAdts = (format: string, codec: string): boolean => codec === "aac" && HAS_ADTS.includes(format);

/** What is to be learnt of a track before its packets can be written. */
const headOutput = (format: string, codec: string): string[] =>
  isAdts(format, codec)
    ? ["-c", "copy", ...FIRST_PACKET, "-f", "data"]
    : [...audioOptions(codec), ...FIRST_PACKET, "-f", "matroska"];

/**
 * Reads the source once, forward: the picture as asked, every packet of sound into the assembly. Resolves at the
 * source's end.
 */
export async function readSource(reading: SourceReading, picture: PictureReading, assembly: Assembly): Promise<void> {
  const { binary, directory, url, format, audio, signal } = reading;
  const track = (index: number) => ["-map", `0:${index}`, "-map_chapters", "-1", "-max_muxing_queue_size", "4096"];
  await runFfmpeg(
    {
      binary,
      directory,
      secret: url,
      signal,
      inputs: [{ from: url, options: ["-hide_banner", "-nostdin", "-loglevel", "error", ...untrustedInput(format)] }],
      pipes: {
        pictures: picture.outputs,
        heads: audio.map(({ index, codec }) => [...track(index), ...headOutput(format, codec)]),
        lines: audio.map(({ index, codec }) => [...track(index), ...audioOptions(codec), ...PACKET_LINES]),
        bytes: audio.map(({ index, codec }) => [...track(index), ...audioOptions(codec), ...PACKET_BYTES]),
      },
    },
    async ({ outputs: { pictures, ...sound } }) => {
      let provideOrigin: (seconds: number | undefined) => void = () => {};
      const origin = new Promise<number | undefined>((resolve) => {
        provideOrigin = resolve;
      });
      const heads = Promise.all(
        audio.map(({ codec, language }, number) => readTrack(sound.heads[number]!, isAdts(format, codec), language)),
      );
      await Promise.all([
        // Where no picture comes, no sound must wait for it.
        picture.read(pictures, provideOrigin).finally(() => provideOrigin(undefined)),
        ...audio.map(async (_, number) => {
          const tracks = await heads;
          assembly.audioHeader ??= matroskaHeader(tracks);
          const packets = readPackets(sound.lines[number]!, sound.bytes[number]!);
          await readAudio(packets, number, origin, assembly);
        }),
      ]);
    },
  );
}

/** What Matroska says of a track, as soon as it's known. A track of no packet never tells, and needs none. */
async function readTrack(pipe: OutputPipe, adts: boolean, language: string): Promise<MatroskaTrack> {
  if (adts) {
    const reader = new ByteReader(pipe);
    const start = await reader.read(7);
    if (start === undefined) throw unreadable("a track of AAC holds no packet");
    void reader.drain().catch(() => {});
    return adtsTrack(start, language);
  }
  return new Promise((resolve, reject) => {
    readMatroska(
      pipe,
      ([track]) => {
        if (track !== undefined) resolve(track);
      },
      () => {},
    ).then(() => reject(unreadable("ffmpeg wrote no header for the sound")), reject);
  });
}

async function readAudio(
  packets: AsyncIterable<ReadPacket>,
  track: number,
  origin: Promise<number | undefined>,
  assembly: Assembly,
): Promise<void> {
  let begin: number | undefined;
  void origin.then((seconds) => {
    begin = seconds;
  });
  let held: ReadPacket[] = [];
  const add = async ({ clock, pts, dts, duration, data }: ReadPacket, from: number) =>
    assembly.addAudio(track, {
      time: ((pts ?? dts) * clock.num) / clock.den - from,
      duration: (duration * clock.num) / clock.den,
      data: Buffer.from(data),
    });
  for await (const packet of packets) {
    if (begin === undefined) {
      // Held rather than left in the pipe: ffmpeg would wait for us, and we for its first picture.
      held.push({ ...packet, data: Buffer.from(packet.data) });
      if (held.length > MOST_HELD_PACKETS) throw unreadable("no picture comes with the sound");
      continue;
    }
    for (const earlier of held) await add(earlier, begin);
    held = [];
    await add(packet, begin);
  }
  if (held.length > 0) {
    const from = await origin;
    if (from === undefined) return;
    for (const earlier of held) await add(earlier, from);
  }
}

/** The first bytes of a pipe that `isEnough` accepts; what follows is read and dropped. */
export async function readHeadOf(pipe: OutputPipe): Promise<Buffer> {
  const reader = new ByteReader(pipe);
  const boxes: Buffer[] = [];
  for (;;) {
    const start = await reader.read(8);
    if (start === undefined) throw unreadable("ffmpeg wrote no head for the picture");
    const body = await reader.read(start.readUInt32BE(0) - 8);
    if (body === undefined) throw unreadable("ffmpeg wrote half a head for the picture");
    boxes.push(start, body);
    if (start.toString("latin1", 4, 8) === "moov") break;
  }
  void reader.drain().catch(() => {});
  return Buffer.concat(boxes);
}
