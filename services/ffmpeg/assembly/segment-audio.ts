import { type MatroskaHeader, matroskaCluster } from "../formats/matroska/writer.ts";
import type { SourceAudioPacket } from "../proof/prove-audio.ts";
import { MUX_OFFSET_SECONDS } from "./mux-segment.ts";
import type { AudioPacket } from "./split-audio-packets.ts";
import type { Spool } from "./spool.ts";

const MICROSECONDS = 1_000_000;

/** Matroska and FLV round times to milliseconds. */
const SAME_SECONDS = 0.0011;

/** An audio packet, with what its predecessors say of it. Seconds. */
export type PlacedPacket = AudioPacket & {
  /** Gap before it in the source. */
  gap: number;
  /** Whether the source states the duration; otherwise it's the previous packet's. */
  isMeasured: boolean;
};

/** The audio of one segment: a Matroska file of its own, shifted by `MUX_OFFSET_SECONDS`. */
export class SegmentAudio {
  readonly #spool: Spool;
  readonly #header: MatroskaHeader;
  #begun = false;
  readonly #leads: readonly number[];
  #lead = 0;
  /** The packets of each track; times are seconds from the segment's start. */
  readonly packets: SourceAudioPacket[][];

  /**
   * `leads`: for each track, how many seconds of its audio are played before the segment's start.
   */
  constructor(spool: Spool, header: MatroskaHeader, leads: readonly number[]) {
    this.#spool = spool;
    this.#header = header;
    this.#leads = leads;
    this.packets = header.tracks.map(() => []);
  }

  /** Writes a packet; its time is seconds from the segment's start. */
  async write(track: number, packet: PlacedPacket): Promise<void> {
    if (!this.#begun) {
      this.#begun = true;
      await this.#spool.write(this.#header.bytes);
    }
    const { time, duration, gap } = packet;
    const isPlayed = time >= -this.#leads[track]! - SAME_SECONDS;
    this.packets[track]!.push({ time, duration, gap, isPlayed });
    if (isPlayed && this.#leads[track]! > 0) this.#lead = Math.max(this.#lead, -time);
    await this.#spool.write(
      matroskaCluster({
        track: this.#header.tracks[track]!,
        time: Math.round((packet.time + MUX_OFFSET_SECONDS) * MICROSECONDS),
        duration: packet.isMeasured ? Math.round(packet.duration * MICROSECONDS) : undefined,
        key: true,
        data: packet.data,
      }),
    );
  }

  /** Seconds of audio that are played before the segment's start. */
  get lead(): number {
    return this.#lead;
  }

  /**
   * The longest codec delay of all tracks (Matroska's CodecDelay), in seconds: players subtract it.
   */
  get delay(): number {
    return Math.max(0, ...this.#header.tracks.map(({ delay }) => delay)) / MICROSECONDS;
  }

  get path(): string {
    return this.#spool.path;
  }

  /** After this, the file can be read by its path. */
  flush(): Promise<void> {
    return this.#spool.flush();
  }

  remove(): Promise<void> {
    return this.#spool.remove();
  }
}
