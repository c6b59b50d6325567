import type { BitReader } from "./bit-reader.ts";
import type { BitWriter } from "./bit-writer.ts";

/** Scaling lists of sequence and picture parameter sets: ITU-T H.264, section 7.3.2.1.1.1. */

const LISTS_OF_4X4 = 6;
const sizeOf = (list: number): number => (list < LISTS_OF_4X4 ? 16 : 64);

const FLAT = 16;
/** lastScale before the first entry. */
const FIRST_SCALE = 8;

export function skipScalingLists(reader: BitReader, lists: number): void {
  for (let list = 0; list < lists; list += 1) {
    if (!reader.flag()) continue;
    let [last, next] = [FIRST_SCALE, FIRST_SCALE];
    for (let entry = 0; entry < sizeOf(list); entry += 1) {
      if (next !== 0) next = (((last + reader.se()) % 256) + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}

/** Lists with which no frequency is scaled: Flat_4x4_16 and Flat_8x8_16, section 7.4.2.1.1. */
export function writeFlatLists(writer: BitWriter, lists: number): void {
  for (let list = 0; list < lists; list += 1) {
    writer.flag(true);
    writer.se(FLAT - FIRST_SCALE);
    for (let entry = 1; entry < sizeOf(list); entry += 1) writer.se(0);
  }
}
