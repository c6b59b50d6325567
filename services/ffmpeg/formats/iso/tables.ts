/** Tables of a track: version, flags, number of entries, entries. ISO/IEC 14496-12, section 8.6. */

const ENTRY_COUNT_AT = 4;
export const TABLE_FIELDS = 8;

/** A table whose stated entries are all there. */
export type EntryTable = {
  /** Version of the box: edit lists of version 1 have longer fields. */
  version: number;
  count: number;
  /** Reads a field of an entry; `at`: its offset in the entry. */
  uint32(entry: number, at?: number): number;
  int32(entry: number, at?: number): number;
  uint64(entry: number, at?: number): bigint;
  int64(entry: number, at?: number): bigint;
};

/**
 * Undefined when the box is missing or shorter than its entries. `entryBytes` may depend on the
 * version.
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
  const offsetOf = (entry: number, at: number): number => TABLE_FIELDS + entry * size + at;
  return {
    version,
    count,
    uint32: (entry, at = 0) => body.getUint32(offsetOf(entry, at)),
    int32: (entry, at = 0) => body.getInt32(offsetOf(entry, at)),
    uint64: (entry, at = 0) => body.getBigUint64(offsetOf(entry, at)),
    int64: (entry, at = 0) => body.getBigInt64(offsetOf(entry, at)),
  };
}

/** Expands a run-length table (number of samples, value): yields one value per sample. */
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
 * Number of samples in a run-length table. Stops counting beyond `limit`: each run of a hostile
 * file may state 2^32 samples.
 */
export function samplesOf(table: EntryTable, limit: number): number {
  let covered = 0;
  for (let entry = 0; entry < table.count && covered <= limit; entry += 1) covered += table.uint32(entry);
  return covered;
}
