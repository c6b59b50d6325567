import type { PlannedPacket } from "../../split/domain/cut-plan.ts";
import { boxesIn, findBox, readMovieBox } from "../formats/iso-boxes.ts";
import type { RangedSource } from "../formats/ranged-source.ts";
import { unreadable } from "../process/errors.ts";

/**
 * MP4 and MOV keep times and keyframes of every frame in an index, so a film of many GB is planned from a few hundred KB.
 * ISO/IEC 14496-12, section 8. What is out of the ordinary (fragments, cuts by edit list, several sample descriptions,
 * sync samples told in groups) gives undefined: then the packets are read, and ffmpeg's view of them counts.
 */

/** Whether a container, by ffprobe's name, is one that has such an index. */
export const hasSampleTable = (format: string): boolean => format.split(",").includes("mov");

/** Tables start after the version, the flags and the number of entries. */
const ENTRY_COUNT = 4;
const ENTRIES = 8;

const entryCount = (table: DataView): number => table.getUint32(ENTRY_COUNT);

/** Whether a table is as long as it says. */
const isWhole = (table: DataView | undefined, entryBytes: number): boolean =>
  table !== undefined && table.byteLength >= ENTRIES && table.byteLength >= ENTRIES + entryCount(table) * entryBytes;

/** Goes through a table of runs, (count, value) pairs, one sample at a time. */
function* runLengths(table: DataView, read: (at: number) => number): Generator<number, undefined> {
  for (let entry = 0; entry < entryCount(table); entry += 1) {
    const at = ENTRIES + entry * 8;
    const value = read(at + 4);
    for (let left = table.getUint32(at); left > 0; left -= 1) yield value;
  }
}

/** Four days at 48 frames a second; a hostile header may promise any number. */
const MOST_SAMPLES = 2 ** 24;

/** Whether every chunk of samples begins inside the file. A truncated file's last ones don't. */
function chunksAreInside(samples: DataView, size: number): boolean {
  const short = findBox(samples, "stco");
  const long = findBox(samples, "co64");
  const table = short ?? long;
  if (table === undefined || !isWhole(table, short === undefined ? 8 : 4)) return false;
  for (let chunk = 0; chunk < entryCount(table); chunk += 1) {
    const offset =
      short === undefined ? Number(table.getBigUint64(ENTRIES + chunk * 8)) : table.getUint32(ENTRIES + chunk * 4);
    if (offset >= size) return false;
  }
  return true;
}

type Tables = {
  timescale: number;
  samples: number;
  times: DataView;
  offsets: DataView | undefined;
  syncs: DataView | undefined;
};

function timescaleOf(header: DataView | undefined): number {
  if (header === undefined || header.byteLength < 24) return 0;
  return header.getUint8(0) === 1 ? header.getUint32(20) : header.getUint32(12);
}

/** An edit list that only shifts the start is harmless: frames are counted from the first one. */
function editsAreHarmless(track: DataView, firstShown: number): boolean {
  const list = findBox(track, "edts", "elst");
  if (list === undefined) return true;
  const long = list.getUint8(0) === 1;
  const entryBytes = long ? 20 : 12;
  if (!isWhole(list, entryBytes)) return false;
  const starts = Array.from({ length: entryCount(list) }, (_, entry) => {
    const at = ENTRIES + entry * entryBytes;
    return long ? Number(list.getBigInt64(at + 8)) : list.getInt32(at + 4);
  });
  const kept = starts[0] === -1 ? starts.slice(1) : starts;
  return kept.length === 1 && kept[0]! >= 0 && kept[0]! <= firstShown;
}

/** Sync samples that are told by sample groups or partial-sync tables: ffmpeg adds them to the keyframes. */
const tellsSyncsOtherwise = (samples: DataView): boolean =>
  boxesIn(samples).some(({ type }) => type === "stps" || type === "sgpd" || type === "sbgp");

function tablesOf(track: DataView, fileSize: number): Tables | undefined {
  const media = findBox(track, "mdia");
  const samples = media && findBox(media, "minf", "stbl");
  if (samples === undefined || tellsSyncsOtherwise(samples) || !chunksAreInside(samples, fileSize)) return undefined;
  const [sizes, times, offsets, syncs, descriptions] = ["stsz", "stts", "ctts", "stss", "stsd"].map((type) =>
    findBox(samples, type),
  );
  const timescale = timescaleOf(findBox(media!, "mdhd"));
  if (!isWhole(times, 8) || (offsets && !isWhole(offsets, 8)) || (syncs && !isWhole(syncs, 4))) return undefined;
  if (sizes === undefined || sizes.byteLength < 12 || timescale === 0) return undefined;
  if (descriptions === undefined || descriptions.byteLength < ENTRIES || entryCount(descriptions) !== 1)
    return undefined;
  const fixedSize = sizes.getUint32(4);
  const count = sizes.getUint32(8);
  if (count === 0 || count > MOST_SAMPLES) return undefined;
  if (fixedSize === 0 && sizes.byteLength < 12 + count * 4) return undefined;
  for (let sample = 0; fixedSize === 0 && sample < count; sample += 1) {
    // Readers differ on whether an empty sample is a packet.
    if (sizes.getUint32(12 + sample * 4) === 0) return undefined;
  }
  return { timescale, samples: count, times: times!, offsets, syncs };
}

function syncSamples(table: DataView | undefined): (sample: number) => boolean {
  if (table === undefined) return () => true;
  const numbers = new Set<number>();
  for (let entry = 0; entry < entryCount(table); entry += 1) numbers.add(table.getUint32(ENTRIES + entry * 4) - 1);
  return (sample) => numbers.has(sample);
}

function* packetsOf({ timescale, samples, times, offsets, syncs }: Tables): Generator<PlannedPacket> {
  const durations = runLengths(times, (at) => times.getUint32(at));
  // Signed also in version 0: writers do so, and readers follow.
  const shifts = offsets && runLengths(offsets, (at) => offsets.getInt32(at));
  const isSync = syncSamples(syncs);
  let decoded = 0;
  for (let sample = 0; sample < samples; sample += 1) {
    const duration = durations.next().value;
    if (duration === undefined) return;
    const shift = shifts?.next().value ?? 0;
    yield {
      time: (decoded + shift) / timescale,
      duration: duration > 0 ? duration / timescale : undefined,
      key: isSync(sample),
    };
    decoded += duration;
  }
}

const SELF_CONTAINED = 1;

/**
 * Whether a track's data is said to lie in other files. No reader that is used here would open them, and what it'd read in their
 * place is none of the video. ISO/IEC 14496-12, section 8.7.2.
 */
function namesOtherFiles(movie: DataView): boolean {
  return boxesIn(movie)
    .filter(({ type }) => type === "trak")
    .flatMap(({ body }) => {
      const references = findBox(body, "mdia", "minf", "dinf", "dref");
      if (references === undefined || references.byteLength < ENTRIES) return [];
      return boxesIn(new DataView(references.buffer, references.byteOffset + ENTRIES, references.byteLength - ENTRIES));
    })
    .some(({ body }) => body.byteLength >= 4 && (body.getUint32(0) & SELF_CONTAINED) === 0);
}

function firstShown({ offsets }: Tables): number {
  if (offsets === undefined) return 0;
  return runLengths(offsets, (at) => offsets.getInt32(at)).next().value ?? 0;
}

/**
 * The packets of the video track that ffmpeg calls stream `stream`, in decode order, from the file's own index.
 * Undefined where the index doesn't tell all.
 */
export async function readSampleTable(
  source: RangedSource,
  stream: number,
  signal: AbortSignal,
): Promise<Iterable<PlannedPacket> | undefined> {
  const movie = await readMovieBox(source, signal);
  if (movie === undefined) return undefined;
  if (namesOtherFiles(movie)) throw unreadable("its data is said to lie in other files, and only this one is here");
  if (findBox(movie, "mvex") !== undefined) return undefined;
  const track = boxesIn(movie).filter(({ type }) => type === "trak")[stream]?.body;
  const handler = track && findBox(track, "mdia", "hdlr");
  if (track === undefined || handler === undefined || handler.byteLength < 12) return undefined;
  // "vide", the handler of pictures.
  if (handler.getUint32(8) !== 0x76696465) return undefined;
  const tables = tablesOf(track, source.size);
  if (tables === undefined || !editsAreHarmless(track, firstShown(tables))) return undefined;
  return timesFor(tables) === tables.samples ? packetsOf(tables) : undefined;
}

/** How many samples have a time; counted no further than is needed to see that there are too many. */
function timesFor({ times, samples }: Tables): number {
  let told = 0;
  for (let entry = 0; entry < entryCount(times) && told <= samples; entry += 1)
    told += times.getUint32(ENTRIES + entry * 8);
  return told;
}
