import { type MatroskaHeader, matroskaCluster } from "../formats/matroska/writer.ts";
import type { AudioPacket } from "./audio-reading.ts";
import { AHEAD_SECONDS } from "./join.ts";
import type { Spool } from "./spool.ts";

const MICROSECONDS = 1_000_000;

/** Matroska and FLV keep milliseconds. */
const SAME_SECONDS = 0.0011;

/** The audio of one segment, as a Matroska file of its own, `AHEAD_SECONDS` ahead. */
export class SegmentAudio {
  readonly #spool: Spool;
  readonly #header: MatroskaHeader;
  #begun = false;
  readonly #leads: readonly number[];
  #lead = 0;
  /** For each track, the times of its packets: seconds from the segment's first frame. */
  readonly times: number[][];

  /** `leads`: for each track, how many seconds before the segment's start its sound is played. */
  constructor(spool: Spool, header: MatroskaHeader, leads: readonly number[]) {
    this.#spool = spool;
    this.#header = header;
    this.#leads = leads;
    this.times = header.tracks.map(() => []);
  }

  /** The packet's time is seconds from the segment's first frame. */
  async write(track: number, packet: AudioPacket): Promise<void> {
    if (!this.#begun) {
      this.#begun = true;
      await this.#spool.write(this.#header.bytes);
    }
    this.times[track]!.push(packet.time);
    // Earlier packets are what a decoder needs to begin with, which isn't played.
    if (packet.time >= -this.#leads[track]! - SAME_SECONDS) this.#lead = Math.max(this.#lead, -packet.time);
    await this.#spool.write(
      matroskaCluster({
        track: this.#header.tracks[track]!,
        time: Math.round((packet.time + AHEAD_SECONDS) * MICROSECONDS),
        duration: packet.duration > 0 ? Math.round(packet.duration * MICROSECONDS) : undefined,
        key: true,
        data: packet.data,
      }),
    );
  }

  /** Seconds of sound that are played before the segment's start. */
  get lead(): number {
    return this.#lead;
  }

  get path(): string {
    return this.#spool.path;
  }

  /** Makes all of it readable by its path. */
  flush(): Promise<void> {
    return this.#spool.flush();
  }

  remove(): Promise<void> {
    return this.#spool.remove();
  }
}
