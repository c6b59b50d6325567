import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { damaged } from "./damage.ts";
import { Crc32c } from "./s3/crc.ts";

/** https://github.com/google/leveldb/blob/main/doc/log_format.md */
const BLOCK = 32_768;
const HEADER = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

/** LevelDB stores checksums rotated and shifted, because the data may contain checksums. */
function masked(bytes: Buffer): number {
  const digest = new Crc32c();
  digest.update(bytes);
  const crc = digest.digest().readUInt32BE();
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/**
 * The records of a log file. An incomplete last one was left by a killed process. Undefined: a
 * wrong checksum.
 */
function recordsOf(log: Buffer): Buffer[] | undefined {
  const records: Buffer[] = [];
  let fragments: Buffer[] = [];
  for (let at = 0; at + HEADER <= log.length; ) {
    const left = BLOCK - (at % BLOCK);
    const [length, type] = [log.readUInt16LE(at + 4), log[at + 6] ?? 0];
    const end = at + HEADER + length;
    // The end of a block, too short for a header, or allocated space that was never written.
    if (left < HEADER || (type === 0 && length === 0)) {
      at += left;
      continue;
    }
    if (end > log.length) break;
    if (HEADER + length > left || masked(log.subarray(at + 6, end)) !== log.readUInt32LE(at)) return undefined;
    if (type === FULL || type === FIRST) fragments = [];
    fragments.push(log.subarray(at + HEADER, end));
    if (type === FULL || type === LAST) records.push(Buffer.concat(fragments));
    at = end;
  }
  return records;
}

/**
 * Reads the fields of a VersionEdit: https://github.com/google/leveldb/blob/main/db/version_edit.cc
 */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  skipText(): void {
    const length = this.number();
    this.#at += length;
  }
}

type Manifest = { tables: Map<number, number>; log: number };

function applyEdit(manifest: Manifest, record: Buffer): void {
  const fields = new Fields(record);
  while (!fields.isOver) {
    const tag = fields.number();
    if (tag === 1) fields.skipText();
    else if (tag === 2) manifest.log = fields.number();
    else if (tag === 3 || tag === 4 || tag === 9) fields.number();
    else if (tag === 5) {
      fields.number();
      fields.skipText();
    } else if (tag === 6) {
      fields.number();
      manifest.tables.delete(fields.number());
    } else if (tag === 7) {
      fields.number();
      manifest.tables.set(fields.number(), fields.number());
      fields.skipText();
      fields.skipText();
    } else throw new RangeError(`unknown tag ${tag}`);
  }
}

const fileOf = (number: number, extension: string): string => `${String(number).padStart(6, "0")}.${extension}`;

/**
 * The valid tables, with their bytes, and the first valid log. Undefined where the manifest can't
 * be read.
 */
function readManifest(path: string): Manifest | undefined {
  const records = recordsOf(readFileSync(path));
  if (records === undefined || records.length === 0) return undefined;
  const manifest: Manifest = { tables: new Map(), log: 0 };
  try {
    for (const record of records) applyEdit(manifest, record);
  } catch {
    return undefined;
  }
  return manifest;
}

/**
 * Checks a LevelDB before it is opened: opening would start an empty one if its index is missing,
 * and remove what it can't read. Throws `DamagedStateError`.
 */
export function checkLevelDb(directory: string): void {
  const names = readdirSync(directory);
  if (!names.some((name) => /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:ldb|log))$/.test(name))) return;
  const refuse = (name: string, what: string) => damaged(join(directory, name), what, { toMove: directory });
  if (!names.includes("CURRENT")) throw refuse("CURRENT", "it is missing");
  const [, current = ""] = /^(MANIFEST-\d+)\n$/.exec(readFileSync(join(directory, "CURRENT"), "utf8")) ?? [];
  if (!names.includes(current)) throw refuse("CURRENT", "it doesn't name a manifest of this folder");
  const manifest = readManifest(join(directory, current));
  if (manifest === undefined) throw refuse(current, "LevelDB can't read it");
  for (const [number, bytes] of manifest.tables) {
    const name = [fileOf(number, "ldb"), fileOf(number, "sst")].find((each) => names.includes(each));
    if (name === undefined) throw refuse(fileOf(number, "ldb"), "it is missing");
    const { size } = statSync(join(directory, name));
    if (size !== bytes) throw refuse(name, `it has ${size} bytes and had ${bytes}`);
  }
  const logs = names.filter((name) => name.endsWith(".log") && Number.parseInt(name, 10) >= manifest.log);
  // LevelDB removes a log only when the manifest names a later one. Otherwise the manifest was
  // truncated, or the log deleted.
  const first = fileOf(manifest.log, "log");
  if (manifest.log > 0 && !names.includes(first)) throw refuse(first, `it is missing, and ${current} names it`);
  if (manifest.log === 0 && names.some((name) => /\.(?:ldb|sst)$/.test(name)))
    throw refuse(current, "it names none of the existing tables");
  for (const name of logs)
    if (recordsOf(readFileSync(join(directory, name))) === undefined) throw refuse(name, "a checksum in it is wrong");
}
