import { megabytes } from "../../split/domain/budget.ts";
import { MAX_LEAD_SECONDS } from "../../split/domain/early-sound.ts";
import { limitExceeded } from "../../video/errors.ts";
import { adtsTrack } from "../formats/matroska/adts-track.ts";
import { type MatroskaTrack, readMatroska } from "../formats/matroska/reader.ts";
import { withoutDelay } from "../formats/matroska/writer.ts";
import { ByteReader } from "../process/byte-reader.ts";
import { unreadable } from "../process/errors.ts";
import { currentBudget } from "../process/limits.ts";
import type { ReadPacket } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { AudioOutput } from "./audio-output.ts";
import type { Origin } from "./origin.ts";
import { type AudioPacket, amrFramesOf } from "./split-audio-packets.ts";

const FIRST_PACKET = ["-frames:a", "1", "-flush_packets", "1"];

/** Options of the output that `readTrackHeader` reads. */
export const trackHeaderOutput = ({ isAdts }: AudioTrack, { readOptions }: AudioOutput): string[] =>
  isAdts ? ["-c", "copy", ...FIRST_PACKET, "-f", "data"] : [...readOptions, ...FIRST_PACKET, "-f", "matroska"];

/** What Matroska says of a track, as soon as it's known. What follows is read and dropped. */
export async function readTrackHeader(
  pipe: OutputPipe,
  { codec, isAdts, language }: AudioTrack,
): Promise<MatroskaTrack> {
  if (isAdts) {
    const reader = new ByteReader(pipe);
    const start = await reader.read(ADTS_HEADER_BYTES);
    if (start === undefined) throw unreadable("a track of AAC holds no packet");
    // A failure shows in the other outputs too.
    void reader.drain().catch(() => {});
    return adtsTrack(start, language);
  }
  return new Promise((resolve, reject) => {
    const onTracks = ([track]: MatroskaTrack[]) => {
      if (track !== undefined) resolve(codec === "opus" ? track : withoutDelay(track));
    };
    readMatroska(pipe, onTracks, () => {}).then(
      () => reject(unreadable("ffmpeg wrote no header for the sound")),
      reject,
    );
  });
}

const ADTS_HEADER_BYTES = 7;

/** What holds a packet takes memory too, however few bytes it has. */
const BYTES_PER_PACKET = 512;

/**
 * Sound that came before the first picture, in memory: left in the pipe, it would keep ffmpeg from
 * read a picture.
 */
export class EarlyAudioBuffer {
  #bytes = 0;

  /** Throws `RejectedVideo` (LimitExceeded) where it's more than may be held: six minutes of uncompressed stereo. */
  add(packet: ReadPacket): ReadPacket {
    const { earlySoundBytes } = currentBudget();
    this.#bytes += packet.data.length + BYTES_PER_PACKET;
    if (this.#bytes > earlySoundBytes)
      throw limitExceeded(
        `More than ${megabytes(earlySoundBytes)} of sound come before the first picture. ` +
          'Put picture and sound beside each other with "ffmpeg -i VIDEO -c copy INTERLEAVED", and upload that.',
      );
    // A copy: a packet is part of a larger chunk, which would be held with it.
    return { ...packet, data: Buffer.from(packet.data) };
  }

  remove({ data }: ReadPacket): void {
    this.#bytes -= data.length + BYTES_PER_PACKET;
  }
}

/** Where a track is far ahead of the picture, this much more of it is kept than is needed. */
const MARGIN_SECONDS = 1;

export type AudioReading = {
  /** Of the source, as ffprobe names it. */
  codec: string;
  origin: Origin;
  held: EarlyAudioBuffer;
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
  { codec, origin, held, lead, signal, onPacket }: AudioReading,
): Promise<void> {
  let earlier: ReadPacket[] = [];
  let first: number | undefined;
  const pass = async (packet: ReadPacket, from: number) => {
    const duration = (packet.duration * packet.clock.num) / packet.clock.den;
    const whole = { time: timeOf(packet) - from, duration, data: Buffer.from(packet.data) };
    for (const frame of amrFramesOf(codec, whole)) await onPacket(frame);
  };
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
