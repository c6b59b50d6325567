import type { PlannedPacket } from "./cut-plan.ts";

/** Packets for which there is room at first; it doubles as they come. */
const FIRST_CAPACITY = 4_096;

/** The packets of a video in decode order, in columns: 17 bytes each, so that the index of a day of video fits in memory. */
export class PacketIndex {
  #count = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #durations = new Float64Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);

  readonly add = ({ time, duration, key, shown }: PlannedPacket): void => {
    if (this.#count === this.#times.length) this.#grow();
    this.#times[this.#count] = time;
    this.#durations[this.#count] = duration ?? 0;
    this.#flags[this.#count] = (key ? KEY : 0) | (shown === false ? HIDDEN : 0);
    this.#count += 1;
  };

  get count(): number {
    return this.#count;
  }

  /** Presentation time in seconds. */
  time(packet: number): number {
    return this.#times[packet]!;
  }

  /** Seconds; undefined where the container doesn't say. */
  duration(packet: number): number | undefined {
    return this.#durations[packet] || undefined;
  }

  isKey(packet: number): boolean {
    return (this.#flags[packet]! & KEY) !== 0;
  }

  isShown(packet: number): boolean {
    return (this.#flags[packet]! & HIDDEN) === 0;
  }

  /** Each packet as it was added. */
  *packets(): Generator<PlannedPacket> {
    for (let packet = 0; packet < this.#count; packet += 1) {
      const time = this.time(packet);
      yield { time, duration: this.duration(packet), key: this.isKey(packet), shown: this.isShown(packet) };
    }
  }

  #grow(): void {
    const length = this.#count * 2;
    const grown = <T extends Float64Array | Uint8Array>(next: T, column: T): T => {
      next.set(column);
      return next;
    };
    this.#times = grown(new Float64Array(length), this.#times);
    this.#durations = grown(new Float64Array(length), this.#durations);
    this.#flags = grown(new Uint8Array(length), this.#flags);
  }
}

const KEY = 1;
const HIDDEN = 2;
