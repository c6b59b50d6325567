import type { PlannedPacket } from "./cut-plan.ts";

/** Initial capacity in packets; it doubles when needed. */
const FIRST_CAPACITY = 4_096;

/** A distance that is longer than this, as a part of the shortest one, isn't rounding. */
const UNEVEN = 1.5;

/** One byte position is kept for each so many bytes. */
const POSITION_SPACING = 256 * 1024;

/**
 * The packets of a video in decode order, in columns: 17 bytes each, so that the index of a day of
 * video fits in memory. Positions are kept of a few.
 */
export class PacketIndex {
  #count = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #durations = new Float64Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);
  #hides = false;
  #jumps = false;
  readonly #positions: { packets: number[]; bytes: number[] } = { packets: [], bytes: [] };
  /** Where the sample description changes. */
  readonly #descriptions: { from: number; description: number }[] = [];
  readonly #losses: number[] = [];

  readonly add = (packet: PlannedPacket): void => {
    const { time, duration, key, shown, description = 0, jumps = false, position } = packet;
    if (this.#count === this.#times.length) this.#grow();
    if (description !== (this.#descriptions.at(-1)?.description ?? 0) || this.#count === 0)
      this.#descriptions.push({ from: this.#count, description });
    this.#times[this.#count] = time;
    this.#durations[this.#count] = duration ?? 0;
    this.#hides ||= shown === false;
    this.#jumps ||= jumps;
    this.#flags[this.#count] = (key ? KEY : 0) | (shown === false ? HIDDEN : 0) | (jumps ? JUMPS : 0);
    if (position !== undefined) this.#addPosition(position);
    this.#count += 1;
  };

  /** Records that bytes before this packet can't be read as packets: the source lost frames there. */
  readonly addLoss = (packet: number): void => void this.#losses.push(packet);

  /** The packets before which frames were lost, in order. */
  get losses(): readonly number[] {
    return this.#losses;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Presentation times in seconds, one for each packet: don't change it, and don't keep it while
   * packets are added.
   */
  get times(): Float64Array {
    return this.#times.subarray(0, this.#count);
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

  /** Whether the source's clock jumps in front of a packet. */
  jumpsAt(packet: number): boolean {
    return (this.#flags[packet]! & JUMPS) !== 0;
  }

  /** Whether the source's clock jumps anywhere. */
  get jumps(): boolean {
    return this.#jumps;
  }

  /**
   * Whether frames are missing, or have durations of their own: some distance between packets is
   * more than half longer than another. For frames that are stored as they are shown.
   */
  get isUneven(): boolean {
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (let packet = 1; packet < this.#count; packet += 1) {
      const distance = this.#times[packet]! - this.#times[packet - 1]!;
      if (distance > 0) [least, most] = [Math.min(least, distance), Math.max(most, distance)];
    }
    return most > UNEVEN * least;
  }

  /** Packets whose byte positions are kept, and these positions; both ascending. */
  get positions(): { readonly packets: readonly number[]; readonly bytes: readonly number[] } {
    return this.#positions;
  }

  /**
   * The byte position of the first packet from `packet` on of which one is kept; undefined when
   * there is none.
   */
  positionFrom(packet: number): number | undefined {
    return this.#positions.bytes[this.#positionAt(packet)];
  }

  /** That of the last packet before `packet` of which one is kept. */
  positionBefore(packet: number): number | undefined {
    return this.#positions.bytes[this.#positionAt(packet) - 1];
  }

  /** The first of the kept positions that isn't before `packet`. */
  #positionAt(packet: number): number {
    const { packets } = this.#positions;
    let low = 0;
    let high = packets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (packets[middle]! < packet) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Which sample description a packet needs. */
  description(packet: number): number {
    let low = 0;
    let high = this.#descriptions.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#descriptions[middle]!.from <= packet) low = middle;
      else high = middle - 1;
    }
    return this.#descriptions[low]?.description ?? 0;
  }

  /** Whether packets need several sample descriptions. */
  get changesDescription(): boolean {
    return this.#descriptions.length > 1;
  }

  /** Whether there are packets that are decoded and not shown. */
  get hidesPackets(): boolean {
    return this.#hides;
  }

  /**
   * Calls back with each packet, without its sample description. A generator takes twice as long.
   */
  forEach(onPacket: (packet: PlannedPacket) => void): void {
    for (let packet = 0; packet < this.#count; packet += 1) onPacket(this.#packet(packet));
  }

  /** Each packet, without its sample description. */
  *packets(): Generator<PlannedPacket> {
    for (let packet = 0; packet < this.#count; packet += 1) yield this.#packet(packet);
  }

  #packet(packet: number): PlannedPacket {
    const time = this.time(packet);
    return { time, duration: this.duration(packet), key: this.isKey(packet), shown: this.isShown(packet) };
  }

  #addPosition(position: number): void {
    const { packets, bytes } = this.#positions;
    if (position - (bytes.at(-1) ?? Number.NEGATIVE_INFINITY) < POSITION_SPACING) return;
    packets.push(this.#count);
    bytes.push(position);
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
const JUMPS = 4;
