import { megabytes } from "../../split/domain/budget.ts";
import { MAX_LEAD_SECONDS } from "../../split/domain/early-audio.ts";
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

/** ffmpeg's options of the output that `readTrackHeader` reads. */
export const trackHeaderOutput = ({ isAdts }: AudioTrack, { readOptions }: AudioOutput): string[] =>
  isAdts ? ["-c", "copy", ...FIRST_PACKET, "-f", "data"] : [...readOptions, ...FIRST_PACKET, "-f", "matroska"];

/**
 * The Matroska description of a track, as soon as it's known. The rest of the output is discarded.
 */
export async function readTrackHeader(
  pipe: OutputPipe,
  { codec, isAdts, language }: AudioTrack,
): Promise<MatroskaTrack> {
  if (isAdts) {
    const reader = new ByteReader(pipe);
    const start = await reader.read(ADTS_HEADER_BYTES);
    if (start === undefined) throw unreadable("an AAC track has no packet");
    // A failure of ffmpeg is thrown by the other outputs too.
    void reader.drain().catch(() => {});
    return adtsTrack(start, language);
  }
  return new Promise((resolve, reject) => {
    const onTracks = ([track]: MatroskaTrack[]) => {
      if (track !== undefined) resolve(codec === "opus" ? track : withoutDelay(track));
    };
    readMatroska(pipe, onTracks, () => {}).then(
      () => reject(unreadable("ffmpeg wrote no header for an audio track")),
      reject,
    );
  });
}

const ADTS_HEADER_BYTES = 7;

/** Memory of the objects around a packet, however few bytes it has. */
const BYTES_PER_PACKET = 512;

/**
 * Audio packets that were read before the first video frame. They are kept in memory: left in the
 * pipe, they would keep ffmpeg from reading a frame.
 */
export class EarlyAudioBuffer {
  #bytes = 0;

  /**
   * Returns a copy of the packet to keep. Throws `RejectedVideo` (LimitExceeded) beyond the budget,
   * which holds six minutes of uncompressed stereo.
   */
  add(packet: ReadPacket): ReadPacket {
    const { earlyAudioBytes } = currentBudget();
    this.#bytes += packet.data.length + BYTES_PER_PACKET;
    if (this.#bytes > earlyAudioBytes)
      throw limitExceeded(
        `More than ${megabytes(earlyAudioBytes)} of audio come before the first video frame. ` +
          'Interleave video and audio with "ffmpeg -i VIDEO -c copy INTERLEAVED", and upload that.',
      );
    // A packet is a view of a larger chunk, all of which would stay in memory.
    return { ...packet, data: Buffer.from(packet.data) };
  }

  remove({ data }: ReadPacket): void {
    this.#bytes -= data.length + BYTES_PER_PACKET;
  }
}

/** Where a track is far ahead of the video, this much more of it is kept than is needed. */
const MARGIN_SECONDS = 1;

export type AudioReading = {
  /** Codec in the source, as ffprobe names it. */
  codec: string;
  origin: Origin;
  early: EarlyAudioBuffer;
  /** Seconds of the track that are expected before the first video frame. */
  lead: number;
  signal: AbortSignal;
  onPacket: (packet: AudioPacket) => Promise<void>;
};

/**
 * Passes on each packet of a track, with its time from the first video frame. Packets too far
 * before that frame to be in a segment are dropped. Passes on none when no frame comes.
 */
export async function readAudio(
  packets: AsyncIterable<ReadPacket>,
  { codec, origin, early, lead, signal, onPacket }: AudioReading,
): Promise<void> {
  let pending: ReadPacket[] = [];
  let first: number | undefined;
  const pass = async (packet: ReadPacket, from: number) => {
    const duration = (packet.duration * packet.clock.num) / packet.clock.den;
    const whole = { time: timeOf(packet) - from, duration, data: Buffer.from(packet.data) };
    for (const frame of amrFramesOf(codec, whole)) await onPacket(frame);
  };
  const passPending = async (from: number) => {
    const passing = pending;
    pending = [];
    for (const packet of passing) {
      early.remove(packet);
      await pass(packet, from);
    }
  };
  for await (const packet of packets) {
    // ffmpeg's muxers write an empty packet, which real Ogg files have, and its demuxers drop it.
    if (origin.isMissing || packet.data.length === 0) continue;
    if (origin.seconds === undefined) {
      first ??= timeOf(packet);
      const isKept = timeOf(packet) - first >= lead - MAX_LEAD_SECONDS - MARGIN_SECONDS;
      if (isKept) pending.push(early.add(packet));
      continue;
    }
    await passPending(origin.seconds);
    await pass(packet, origin.seconds);
  }
  if (pending.length === 0) return;
  await origin.settled(signal);
  if (origin.seconds !== undefined) await passPending(origin.seconds);
}

/** Presentation time in seconds on ffmpeg's clock. */
const timeOf = ({ pts, dts, clock }: ReadPacket): number => ((pts ?? dts) * clock.num) / clock.den;
