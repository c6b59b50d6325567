import { MAX_LEAD_SECONDS } from "../../split/domain/early-sound.ts";
import { adtsTrack } from "../formats/matroska/adts-track.ts";
import { type MatroskaTrack, readMatroska } from "../formats/matroska/reader.ts";
import { ByteReader } from "../process/byte-reader.ts";
import { unreadable } from "../process/errors.ts";
import type { ReadPacket } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import type { Origin } from "./origin.ts";

/** A packet of sound; times in seconds from the video's first frame. */
export type AudioPacket = { time: number; duration: number; data: Buffer };

/**
 * Codecs that Matroska holds as they are. The few others are encoded: no common container holds
 * them with the picture.
 */
const HELD_BY_MATROSKA =
  /^(aac|mp3|mp2|ac3|eac3|dts|opus|vorbis|flac|alac|truehd|wmav[12]|pcm_(alaw|mulaw|[su](8|16|24|32)(le|be)?|f(32|64)le))$/;

/** What each audio track's codec is in the segments. */
export const keptAudioCodec = (codec: string): string => (HELD_BY_MATROSKA.test(codec) ? codec : "aac");

export const audioOptions = (codec: string): string[] => {
  if (keptAudioCodec(codec) !== codec) return ["-c", "aac", "-b:a", "128k"];
  // Transport streams carry a header on each packet, which MP4 and Matroska keep once.
  return codec === "aac" ? ["-c", "copy", "-bsf:a", "aac_adtstoasc"] : ["-c", "copy"];
};

const FIRST_PACKET = ["-frames:a", "1", "-flush_packets", "1"];

/** Containers in which each packet of AAC has a header of its own, and the track none. */
const HAS_ADTS = ["mpegts", "mpeg"];

const isAdts = (format: string, codec: string): boolean => codec === "aac" && HAS_ADTS.includes(format);

/** Options of the output that `readTrackHead` reads. */
export const headOutput = (format: string, codec: string): string[] =>
  isAdts(format, codec)
    ? ["-c", "copy", ...FIRST_PACKET, "-f", "data"]
    : [...audioOptions(codec), ...FIRST_PACKET, "-f", "matroska"];

/** What Matroska says of a track, as soon as it's known. What follows is read and dropped. */
export async function readTrackHead(
  pipe: OutputPipe,
  { format, codec, language }: { format: string; codec: string; language: string },
): Promise<MatroskaTrack> {
  if (isAdts(format, codec)) {
    const reader = new ByteReader(pipe);
    const start = await reader.read(ADTS_HEADER_BYTES);
    if (start === undefined) throw unreadable("a track of AAC holds no packet");
    // A failure shows in the other outputs too.
    void reader.drain().catch(() => {});
    return adtsTrack(start, language);
  }
  return new Promise((resolve, reject) => {
    const onTracks = ([track]: MatroskaTrack[]) => {
      if (track !== undefined) resolve(track);
    };
    readMatroska(pipe, onTracks, () => {}).then(
      () => reject(unreadable("ffmpeg wrote no header for the sound")),
      reject,
    );
  });
}

const ADTS_HEADER_BYTES = 7;

/** Of all tracks. Six minutes of uncompressed stereo. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/**
 * Sound that came before the first picture, in memory: left in the pipe, it would keep ffmpeg from
 * reading a picture.
 */
export class HeldAudio {
  #bytes = 0;

  /** Throws where it's more than may be held. */
  add(packet: ReadPacket): ReadPacket {
    this.#bytes += packet.data.length;
    if (this.#bytes > MAX_HELD_BYTES)
      throw unreadable(`more than ${MAX_HELD_BYTES} bytes of sound come before the first picture`);
    // A copy: a packet is part of a larger chunk, which would be held with it.
    return { ...packet, data: Buffer.from(packet.data) };
  }

  remove({ data }: ReadPacket): void {
    this.#bytes -= data.length;
  }
}

/** Where a track is far ahead of the picture, this much more of it is kept than is needed. */
const MARGIN_SECONDS = 1;

export type AudioReading = {
  origin: Origin;
  held: HeldAudio;
  /** Seconds of the track's sound that are expected before the first picture. */
  lead: number;
  signal: AbortSignal;
  onPacket: (packet: AudioPacket) => Promise<void>;
};

/**
 * Passes on each packet of a track, with its time from the video's first frame, but for packets that
 * are too far ahead of it to be in a segment. None where no frame ever comes.
 */
export async function readAudio(
  packets: AsyncIterable<ReadPacket>,
  { origin, held, lead, signal, onPacket }: AudioReading,
): Promise<void> {
  let earlier: ReadPacket[] = [];
  let first: number | undefined;
  const pass = async (packet: ReadPacket, from: number) =>
    onPacket({
      time: timeOf(packet) - from,
      duration: (packet.duration * packet.clock.num) / packet.clock.den,
      data: Buffer.from(packet.data),
    });
  const passEarlier = async (from: number) => {
    const passing = earlier;
    earlier = [];
    for (const packet of passing) {
      held.remove(packet);
      await pass(packet, from);
    }
  };
  for await (const packet of packets) {
    if (origin.isMissing) continue;
    if (origin.seconds === undefined) {
      first ??= timeOf(packet);
      const isKept = timeOf(packet) - first >= lead - MAX_LEAD_SECONDS - MARGIN_SECONDS;
      if (isKept) earlier.push(held.add(packet));
      continue;
    }
    await passEarlier(origin.seconds);
    await pass(packet, origin.seconds);
  }
  if (earlier.length === 0) return;
  await origin.settled(signal);
  if (origin.seconds !== undefined) await passEarlier(origin.seconds);
}

/** Seconds on ffmpeg's clock. */
const timeOf = ({ pts, dts, clock }: ReadPacket): number => ((pts ?? dts) * clock.num) / clock.den;
