import { boxesIn, findBox } from "../formats/iso/boxes.ts";
import { entryTable, TABLE_FIELDS } from "../formats/iso/tables.ts";

/**
 * A track may change its decoder configuration within the file: each chunk of samples refers to a
 * sample description. ISO/IEC 14496-12, sections 8.5.2 and 8.7.4.
 */

/** The distinct sample descriptions of a track. */
export type SampleDescriptions = {
  /** Bodies of the sample entries. */
  entries: readonly DataView[];
  /** Index of each sample's entry; undefined when there's one for all. */
  ofSamples: Uint8Array | undefined;
};

/** Bytes of fields in front of the boxes of a VisualSampleEntry. Section 12.1.3. */
const PICTURE_FIELDS = 78;

/** More than any real file has. */
const MAX_DESCRIPTIONS = 256;
const MAX_CHANGES = 10_000;

const bytesOf = (view: DataView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

/** The distinct entries, and the index of each description (from 1 on) among them. */
function distinctEntries(samples: DataView): { entries: DataView[]; indexes: number[] } | undefined {
  const box = findBox(samples, "stsd");
  const count = entryTable(box, 0)?.count;
  if (box === undefined || count === undefined || count === 0 || count > MAX_DESCRIPTIONS) return undefined;
  const all = [...boxesIn(box, TABLE_FIELDS)];
  // ffmpeg drops samples of another codec.
  if (all.length !== count || all.some(({ type }) => type !== all[0]!.type)) return undefined;
  const entries: DataView[] = [];
  const indexes = all.map(({ body }) => {
    const known = entries.findIndex((entry) => bytesOf(entry).equals(bytesOf(body)));
    return known === -1 ? entries.push(body) - 1 : known;
  });
  return { entries, indexes };
}

/**
 * The descriptions of `count` samples, from their sample table. Undefined when tables are missing
 * or inconsistent, and when descriptions have different codecs.
 */
export function sampleDescriptions(samples: DataView, count: number): SampleDescriptions | undefined {
  const distinct = distinctEntries(samples);
  const runs = entryTable(findBox(samples, "stsc"), 12);
  if (distinct === undefined) return undefined;
  const { entries, indexes } = distinct;
  if (entries.length === 1) return { entries, ofSamples: undefined };
  const chunks = (entryTable(findBox(samples, "stco"), 4) ?? entryTable(findBox(samples, "co64"), 8))?.count ?? 0;
  if (runs === undefined) return undefined;
  const ofSamples = new Uint8Array(count);
  let sample = 0;
  let changes = 0;
  for (let run = 0; run < runs.count; run += 1) {
    const first = runs.uint32(run);
    const next = run + 1 < runs.count ? runs.uint32(run + 1) : chunks + 1;
    const index = indexes[runs.uint32(run, 8) - 1];
    if (index === undefined || next < first || next > chunks + 1) return undefined;
    const end = Math.min(count, sample + (next - first) * runs.uint32(run, 4));
    if (sample > 0 && sample < count && ofSamples[sample - 1] !== index) changes += 1;
    if (changes > MAX_CHANGES) return undefined;
    ofSamples.fill(index, sample, end);
    sample = end;
  }
  return sample === count ? { entries, ofSamples } : undefined;
}

/** The decoder configuration of an entry: body of its avcC or hvcC. Undefined when it has none. */
export function configurationIn(entry: DataView): Buffer | undefined {
  if (entry.byteLength < PICTURE_FIELDS) return undefined;
  for (const { type, body } of boxesIn(entry, PICTURE_FIELDS))
    if (type === "avcC" || type === "hvcC") return bytesOf(body);
  return undefined;
}
