import { findBox } from "./boxes.ts";
import { entryTable, TABLE_FIELDS } from "./tables.ts";

/**
 * The first sample of each chunk, and where the chunk begins in the file, in bytes; fewer when the
 * boxes are inconsistent. ISO/IEC 14496-12, sections 8.7.4 and 8.7.5.
 */
export function* chunkStarts(box: DataView): Generator<{ sample: number; offset: number }, undefined, undefined> {
  const short = entryTable(findBox(box, "stco"), 4);
  const long = entryTable(findBox(box, "co64"), 8);
  const runs = entryTable(findBox(box, "stsc"), 12);
  const chunks = (short ?? long)?.count ?? 0;
  let sample = 0;
  for (let run = 0; run < (runs?.count ?? 0); run += 1) {
    const from = runs!.uint32(run);
    const to = run + 1 < runs!.count ? runs!.uint32(run + 1) : chunks + 1;
    const inChunk = runs!.uint32(run, 4);
    if (from < 1 || to > chunks + 1 || inChunk === 0) return;
    for (let chunk = from - 1; chunk < to - 1; chunk += 1) {
      yield { sample, offset: short?.uint32(chunk) ?? Number(long!.uint64(chunk)) };
      sample += inChunk;
    }
  }
}

/**
 * Location of a sample in the file, in bytes, from the boxes of a sample table (stbl). Undefined
 * when these are missing or inconsistent. ISO/IEC 14496-12, sections 8.7.3 to 8.7.5.
 */
export function sampleLocation(box: DataView, sample: number): { offset: number; size: number } | undefined {
  const sizes = findBox(box, "stsz");
  const short = entryTable(findBox(box, "stco"), 4);
  const long = entryTable(findBox(box, "co64"), 8);
  const runs = entryTable(findBox(box, "stsc"), 12);
  const chunks = (short ?? long)?.count ?? 0;
  if (sizes === undefined || runs === undefined) return undefined;
  const fixed = sizes.getUint32(4);
  const sizeOf = (number: number) => fixed || sizes.getUint32(TABLE_FIELDS + 4 + number * 4);
  let first = 0;
  for (let run = 0; run < runs.count; run += 1) {
    const from = runs.uint32(run);
    const to = run + 1 < runs.count ? runs.uint32(run + 1) : chunks + 1;
    const inChunk = runs.uint32(run, 4);
    const samplesInRun = (to - from) * inChunk;
    if (from < 1 || to > chunks + 1 || samplesInRun < 0) return undefined;
    if (sample >= first + samplesInRun) {
      first += samplesInRun;
      continue;
    }
    const chunk = Math.floor((sample - first) / inChunk);
    const before = first + chunk * inChunk;
    const entry = from - 1 + chunk;
    let offset = short?.uint32(entry) ?? Number(long!.uint64(entry));
    for (let number = before; number < sample; number += 1) offset += sizeOf(number);
    return { offset, size: sizeOf(sample) };
  }
  return undefined;
}
