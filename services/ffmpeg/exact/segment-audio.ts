import { join } from "node:path";
import { type MatroskaHeader, matroskaCluster } from "../formats/matroska.ts";
import { Spool } from "./spool.ts";

/** Everything is put this far ahead on the way, so that no time is negative: audio may begin before the picture. */
export const AHEAD_SECONDS = 10;

const MICROSECONDS = 1_000_000;

/** The audio of one segment, as a Matroska file of its own. */
export class SegmentAudio {
  readonly #spool: Spool;
  readonly #header: MatroskaHeader;
  #begun = false;
  /** For each track, the times of its packets: seconds from the segment's first frame. */
  readonly times: number[][];

  constructor(directory: string, index: number, header: MatroskaHeader) {
    this.#spool = new Spool(join(directory, `${String(index).padStart(5, "0")}.audio`));
    this.#header = header;
    this.times = header.tracks.map(() => []);
  }

  async write(track: number, packet: { time: number; duration: number; data: Buffer }): Promise<void> {
    if (!this.#begun) await this.#spool.write(this.#header.bytes);
    this.#begun = true;
    this.times[track]!.push(packet.time);
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

  get path(): string {
    return this.#spool.path;
  }

  close(): Promise<void> {
    return this.#spool.close();
  }

  remove(): Promise<void> {
    return this.#spool.remove();
  }
}
