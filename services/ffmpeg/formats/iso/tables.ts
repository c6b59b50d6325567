/**
 * Tables of a track: version, flags and a number of entries, then the entries. ISO/IEC 14496-12,
 * section 8.6.
 */

const ENTRY_COUNT_AT = 4;
export const TABLE_FIELDS = 8;

/** A table that is as long as it says. */
export type EntryTable = {
  /** Of the box: edit lists have longer fields in version 1. */
  version: number;
  count: number;
  /** Fields of an entry, from its own start on. */
  uint32(entry: number, at?: number): number;
  int32(entry: number, at?: number): number;
  uint64(entry: number, at?: number): bigint;
  int64(entry: number, at?: number): bigint;
};

/**
 * Undefined where there is no such box, or it's shorter than it says. `entryBytes` depends on the
 * version where it's a function.
 */
export function entryTable(
  body: DataView | undefined,
  entryBytes: number | ((version: number) => number),
): EntryTable | undefined {
  if (body === undefined || body.byteLength < TABLE_FIELDS) return undefined;
  const version = body.getUint8(0);
  const count = body.getUint32(ENTRY_COUNT_AT);
  const size = typeof entryBytes === "number" ? entryBytes : entryBytes(version);
  if (body.byteLength < TABLE_FIELDS + count * size) return undefined;
  const placeOf = (entry: number, at: number): number => TABLE_FIELDS + entry * size + at;
  return {
    version,
    count,
    uint32: (entry, at = 0) => body.getUint32(placeOf(entry, at)),
    int32: (entry, at = 0) => body.getInt32(placeOf(entry, at)),
    uint64: (entry, at = 0) => body.getBigUint64(placeOf(entry, at)),
    int64: (entry, at = 0) => body.getBigInt64(placeOf(entry, at)),
  };
}

/**
 * Of a table of runs, each a number of samples and what `valueAt` gives for them: one value for
 * each sample.
 */
export function* runLengths(
  table: EntryTable,
  valueAt: (entry: number) => number,
): Generator<number, undefined, undefined> {
  for (let entry = 0; entry < table.count; entry += 1) {
    const value = valueAt(entry);
    for (let left = table.uint32(entry); left > 0; left -= 1) yield value;
  }
}

/**
 * How many samples a table of runs covers; counted no further than it takes to see that they are
 * more than `most`. In steps of runs: a hostile one may state 2^32 samples in each.
 */
export function samplesOf(table: EntryTable, most: number): number {
  let covered = 0;
  for (let entry = 0; entry < table.count && covered <= most; entry += 1) covered += table.uint32(entry);
  return covered;
}
