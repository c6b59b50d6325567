import { boxesIn, findBox } from "./boxes.ts";
import { TABLE_FIELDS } from "./tables.ts";

/** What a fragment (`moof`) of an MP4 says of one track's samples. ISO/IEC 14496-12, section 8.8. */

/** Of samples whose fragment doesn't say (`trex`). */
export type SampleDefaults = { duration: number; size: number; flags: number };

export type FragmentSample = {
  duration: number;
  size: number;
  key: boolean;
  /** Presentation time minus decode time. */
  offset: number;
  /** Byte position in the file. */
  position: number;
};

/** A run of samples (`trun`). */
type Run = { table: DataView; flags: number; first: number; count: number; at: number };

export type TrackFragment = {
  /** Of the first sample, in ticks. */
  decodeTime: number;
  count: number;
  samples(): Generator<FragmentSample, void, undefined>;
};

const FLAGS = 0xffffff;

/** Flags of `tfhd`. */
const HAS_BASE = 0x01;
const HAS_DESCRIPTION = 0x02;
const HAS_DURATION = 0x08;
const HAS_SIZE = 0x10;
const HAS_FLAGS = 0x20;
const IS_EMPTY = 0x010000;
const BASE_IS_MOOF = 0x020000;

/** Flags of `trun`: which fields there are, of the run and of each sample. */
const RUN_HAS_OFFSET = 0x01;
const RUN_HAS_FIRST_FLAGS = 0x04;
const SAMPLE_FIELDS = { duration: 0x100, size: 0x200, flags: 0x400, offset: 0x800 } as const;

/** Of a sample: it isn't a sync sample, or depends on others. With either, ffmpeg takes it for no keyframe. */
const NOT_KEY = 0x01010000;

/** The defaults of a track; undefined where the file has none, or where samples have another description. */
export function sampleDefaults(movie: DataView, trackId: number): SampleDefaults | undefined {
  const extensions = findBox(movie, "mvex");
  if (extensions === undefined) return undefined;
  for (const { type, body } of boxesIn(extensions)) {
    if (type !== "trex" || body.byteLength < 24 || body.getUint32(4) !== trackId) continue;
    const [description, duration, size, flags] = [8, 12, 16, 20].map((at) => body.getUint32(at));
    return description === 1 ? { duration: duration!, size: size!, flags: flags! } : undefined;
  }
  return undefined;
}

/** Reads optional fields one after another. Undefined beyond the end. */
function fieldsOf(box: DataView, from: number) {
  let at = from;
  return (isThere: boolean, bytes: 4 | 8 = 4): number | undefined => {
    if (!isThere) return undefined;
    at += bytes;
    if (at > box.byteLength) return Number.NaN;
    return bytes === 8 ? Number(box.getBigUint64(at - 8)) : box.getUint32(at - 4);
  };
}

type Header = { defaults: SampleDefaults; base: number };

function headerOf(box: DataView, known: SampleDefaults, moofAt: number, isFirst: boolean): Header | undefined {
  const flags = box.getUint32(0) & FLAGS;
  const next = fieldsOf(box, TABLE_FIELDS);
  const base = next((flags & HAS_BASE) !== 0, 8);
  const description = next((flags & HAS_DESCRIPTION) !== 0) ?? 1;
  const duration = next((flags & HAS_DURATION) !== 0) ?? known.duration;
  const size = next((flags & HAS_SIZE) !== 0) ?? known.size;
  const sampleFlags = next((flags & HAS_FLAGS) !== 0) ?? known.flags;
  const defaults = { duration, size, flags: sampleFlags };
  const isKnown = base !== undefined || (flags & BASE_IS_MOOF) !== 0 || isFirst;
  const isWhole = [base ?? 0, description, duration, size, sampleFlags].every(Number.isSafeInteger);
  return isKnown && isWhole && description === 1 ? { defaults, base: base ?? moofAt } : undefined;
}

const fieldBytes = (flags: number): number =>
  Object.values(SAMPLE_FIELDS).reduce((bytes, flag) => bytes + ((flags & flag) === 0 ? 0 : 4), 0);

/** Undefined when a run is incomplete, and when it doesn't say where its bytes are. */
function runOf(table: DataView, base: number): Run | undefined {
  if (table.byteLength < TABLE_FIELDS + 4) return undefined;
  const flags = table.getUint32(0) & FLAGS;
  const count = table.getUint32(4);
  const first = TABLE_FIELDS + 4 + ((flags & RUN_HAS_FIRST_FLAGS) === 0 ? 0 : 4);
  if ((flags & RUN_HAS_OFFSET) === 0 || table.byteLength < first + count * fieldBytes(flags)) return undefined;
  return { table, flags, first, count, at: base + table.getInt32(TABLE_FIELDS) };
}

function* samplesOf(runs: readonly Run[], defaults: SampleDefaults): Generator<FragmentSample, void, undefined> {
  for (const { table, flags, first, count, at } of runs) {
    let [field, position] = [first, at];
    const has = (flag: number): boolean => (flags & flag) !== 0;
    const next = (flag: number, otherwise: number): number => {
      if (!has(flag)) return otherwise;
      field += 4;
      return flag === SAMPLE_FIELDS.offset ? table.getInt32(field - 4) : table.getUint32(field - 4);
    };
    for (let sample = 0; sample < count; sample += 1) {
      const duration = next(SAMPLE_FIELDS.duration, defaults.duration);
      const size = next(SAMPLE_FIELDS.size, defaults.size);
      const own = next(SAMPLE_FIELDS.flags, defaults.flags);
      const isFirst = sample === 0 && has(RUN_HAS_FIRST_FLAGS);
      const key = ((isFirst ? table.getUint32(first - 4) : own) & NOT_KEY) === 0;
      const offset = next(SAMPLE_FIELDS.offset, 0);
      yield { duration, size, key, offset, position };
      position += size;
    }
  }
}

function timeOf(box: DataView | undefined): number | undefined {
  if (box === undefined || box.byteLength < TABLE_FIELDS) return undefined;
  if (box.getUint8(0) === 0) return box.getUint32(4);
  return box.byteLength < TABLE_FIELDS + 4 ? undefined : Number(box.getBigUint64(4));
}

/**
 * The samples of a track in a fragment: the body of a `moof` box at byte `moofAt`. "none": it has no
 * samples of that track. Undefined for what readers treat differently: a fragment without decode
 * time or positions, several fragments of one track, and samples in groups.
 */
export function trackFragment(
  moof: DataView,
  moofAt: number,
  trackId: number,
  known: SampleDefaults,
): TrackFragment | "none" | undefined {
  const all = [...boxesIn(moof)].filter(({ type }) => type === "traf").map(({ body }) => body);
  const headers = all.map((body) => findBox(body, "tfhd"));
  if (headers.some((box) => box === undefined || box.byteLength < TABLE_FIELDS)) return undefined;
  const own = all.filter((_, at) => headers[at]!.getUint32(4) === trackId);
  if (own.length === 0) return "none";
  const [track] = own;
  if (own.length > 1 || findBox(track!, "sbgp") !== undefined) return undefined;
  const box = headers[all.indexOf(track!)]!;
  if ((box.getUint32(0) & IS_EMPTY) !== 0) return "none";
  const header = headerOf(box, known, moofAt, track === all[0]);
  const decodeTime = timeOf(findBox(track!, "tfdt"));
  if (header === undefined || decodeTime === undefined || !Number.isSafeInteger(decodeTime)) return undefined;
  const runs: Run[] = [];
  for (const { type, body } of boxesIn(track!)) {
    if (type !== "trun") continue;
    const run = runOf(body, header.base);
    if (run === undefined) return undefined;
    runs.push(run);
  }
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  return { decodeTime, count, samples: () => samplesOf(runs, header.defaults) };
}
