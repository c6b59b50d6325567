import type { RangedSource } from "./ranged-source.ts";

/** Bytes between two packets of the video that may have held others. */
export type Gap = {
  /** The packet behind it, counted in decode order. */
  packet: number;
  /** Where the packet before it and the one behind it begin in the file. Bytes. */
  from: number;
  to: number;
};

/** A gap between frames that is shorter isn't examined. Seconds. */
const MIN_SECONDS = 0.4;

/** A gap in time that has fewer of the bytes that belong to it is a pause, or a jump of the clock. */
const MIN_SHARE = 0.5;

/** Of one file. A file with more has pauses. */
const MAX_GAPS = 100;

/**
 * Finds places where a file has too many bytes for the packets that are read from it: the time
 * passes on, and so does the position, but no frame comes.
 */
export class GapFinder {
  readonly gaps: Gap[] = [];
  #packets = 0;
  /** When the last frame ends that was read. */
  #end = Number.NEGATIVE_INFINITY;
  #first: { position: number; time: number } | undefined;
  #last: { position: number; time: number } | undefined;

  /**
   * Adds the next packet of the video, in decode order: where it begins in the file (bytes;
   * undefined: unknown), its presentation time and its duration (seconds). Returns whether there is
   * such a place before it.
   */
  add(position: number | undefined, time: number, duration: number): boolean {
    const packet = this.#packets;
    this.#packets += 1;
    const gap = time - this.#end;
    this.#end = Math.max(this.#end, time + duration);
    if (position === undefined) return false;
    const [first, last] = [this.#first, this.#last];
    this.#last = { position, time };
    this.#first ??= this.#last;
    if (first === undefined || last === undefined || gap < MIN_SECONDS) return false;
    const seconds = last.time - first.time;
    const bytesPerSecond = (last.position - first.position) / seconds;
    const isGap = seconds > 0 && position - last.position > MIN_SHARE * bytesPerSecond * gap;
    if (isGap && this.gaps.length < MAX_GAPS) this.gaps.push({ packet, from: last.position, to: position });
    return isGap;
  }
}

/** ISO/IEC 13818-1, section 2.4.3.2. */
const SYNC_BYTE = 0x47;

/** Plain, with a time before each packet (M2TS), and with error correction behind it. */
const TS_PACKET_BYTES = [188, 192, 204];

/** The bytes that were overwritten begin within the packet before, which may be a large keyframe. */
const MAX_EXAMINED_BYTES = 1024 * 1024;

/** Whether packets of a transport stream are missing between these positions. */
export async function lacksSync(source: RangedSource, { from, to }: Gap, signal: AbortSignal): Promise<boolean> {
  const end = Math.min(to, from + MAX_EXAMINED_BYTES, source.size) - 1;
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.read(from, end, signal)) chunks.push(chunk);
  signal.throwIfAborted();
  const bytes = Buffer.concat(chunks);
  const begin = bytes.indexOf(SYNC_BYTE);
  return !TS_PACKET_BYTES.some((step) => hasSync(bytes, begin, step));
}

function hasSync(bytes: Buffer, begin: number, step: number): boolean {
  if (begin === -1) return false;
  for (let at = begin; at < bytes.length; at += step) if (bytes[at] !== SYNC_BYTE) return false;
  return true;
}
