import { setImmediate } from "node:timers/promises";
import { MAX_FRAMES } from "../../split/domain/budget.ts";
import type { PlannedPacket } from "../../split/domain/cut-plan.ts";
import { limitExceeded } from "../../video/errors.ts";
import { boxesIn, findBox } from "../formats/iso/boxes.ts";
import { sampleLocation } from "../formats/iso/sample-location.ts";
import { type EntryTable, entryTable, runLengths, samplesOf, TABLE_FIELDS } from "../formats/iso/tables.ts";
import { unreadable } from "../process/errors.ts";
import { readMovieBox } from "./movie-box.ts";
import type { RangedSource } from "./ranged-source.ts";
import { configurationIn, type SampleDescriptions, sampleDescriptions } from "./sample-descriptions.ts";

/**
 * MP4 and MOV keep times and keyframes of every frame in an index, so a film of many GB is planned
 * from a few hundred KB. ISO/IEC 14496-12, section 8. What is out of the ordinary (fragments, cuts
 * by edit list, descriptions of several codecs, sync samples in groups) gives undefined: then the
 * packets are read, and ffmpeg's view of them counts.
 */

/** Whether a container, by ffprobe's name, is one that has such an index. */
export const hasSampleTable = (format: string): boolean => format.split(",").includes("mov");

/**
 * Whether every chunk of samples begins inside the file. A truncated file's last ones don't.
 * Section 8.7.5.
 */
function chunksAreInside(samples: DataView, size: number): boolean {
  const short = entryTable(findBox(samples, "stco"), 4);
  const long = entryTable(findBox(samples, "co64"), 8);
  const table = short ?? long;
  if (table === undefined) return false;
  for (let chunk = 0; chunk < table.count; chunk += 1) {
    const offset = short === undefined ? table.uint32(chunk) * 2 ** 32 + table.uint32(chunk, 4) : table.uint32(chunk);
    if (offset >= size) return false;
  }
  return true;
}

/**
 * How many samples there are. Undefined where it doesn't say, one is empty, or all have more bytes
 * than the file: a few bytes can state any number of samples. Throws `RejectedVideo` (LimitExceeded)
 * for more than are split. Section 8.7.3.
 */
function countSamples(sizes: DataView | undefined, fileSize: number): number | undefined {
  if (sizes === undefined || sizes.byteLength < TABLE_FIELDS + 4) return undefined;
  const fixed = sizes.getUint32(4);
  const count = sizes.getUint32(TABLE_FIELDS);
  if (count === 0 || count > fileSize) return undefined;
  if (count > MAX_FRAMES) throw limitExceeded(`The video has more than ${MAX_FRAMES} frames. Upload it in parts.`);
  if (fixed !== 0) return count * fixed > fileSize ? undefined : count;
  const first = TABLE_FIELDS + 4;
  if (sizes.byteLength < first + count * 4) return undefined;
  let bytes = 0;
  for (let sample = 0; sample < count; sample += 1) {
    const size = sizes.getUint32(first + sample * 4);
    // Readers differ on whether an empty sample is a packet.
    if (size === 0) return undefined;
    bytes += size;
  }
  return bytes > fileSize ? undefined : count;
}

/** Ticks a second of a track or of the movie; 0 where there is no whole header. Sections 8.2.2, 8.4.2. */
function timescaleOf(header: DataView | undefined): number {
  if (header === undefined || header.byteLength < 24) return 0;
  return header.getUint8(0) === 1 ? header.getUint32(20) : header.getUint32(12);
}

/**
 * By how many ticks of the track an edit list moves its times, where that is all it does: it may
 * leave a gap before the first frame, and begin with it. Undefined where it does more, or hides
 * frames. `timescale` is the track's and `movieTimescale` the movie's, in ticks a second. Section
 * 8.6.6.
 */
function editShift(track: DataView, firstShown: number, timescale: number, movieTimescale: number): number | undefined {
  const box = findBox(track, "edts", "elst");
  if (box === undefined) return 0;
  const list = entryTable(box, (version) => (version === 1 ? 20 : 12));
  if (list === undefined || list.count > 2 || movieTimescale === 0) return undefined;
  const isLong = list.version === 1;
  const edits = Array.from({ length: list.count }, (_, entry) => ({
    duration: isLong ? Number(list.uint64(entry)) : list.uint32(entry),
    start: isLong ? Number(list.int64(entry, 8)) : list.int32(entry, 4),
  }));
  const gap = edits[0]?.start === -1 ? edits.shift()!.duration : 0;
  const [edit] = edits;
  if (edits.length !== 1 || edit!.start < 0 || edit!.start > firstShown) return undefined;
  return Math.round((gap * timescale) / movieTimescale) - edit!.start;
}

/** Sync samples in sample groups or partial-sync tables: ffmpeg adds them to the keyframes. */
function hasOtherSyncs(samples: DataView): boolean {
  for (const { type } of boxesIn(samples)) if (type === "stps" || type === "sgpd" || type === "sbgp") return true;
  return false;
}

const MAX_INT32 = 2 ** 31 - 1;

/** Whether a sample's duration is one that ffmpeg takes for an error, and counts as one tick. */
function hasAbsurdDuration(times: EntryTable): boolean {
  for (let entry = 0; entry < times.count; entry += 1) if (times.uint32(entry, 4) > MAX_INT32) return true;
  return false;
}

type Tables = {
  /** The box of all of them (stbl). */
  box: DataView;
  timescale: number;
  samples: number;
  times: EntryTable;
  offsets: EntryTable | undefined;
  /** For each sample 1 where it's a keyframe; undefined where all are. */
  syncs: Uint8Array | undefined;
  descriptions: SampleDescriptions;
};

/** Which samples are keyframes. Section 8.6.2. */
function syncSamples(table: EntryTable, samples: number): Uint8Array {
  const syncs = new Uint8Array(samples);
  for (let entry = 0; entry < table.count; entry += 1) {
    const sample = table.uint32(entry) - 1;
    if (sample >= 0 && sample < samples) syncs[sample] = 1;
  }
  return syncs;
}

function tablesOf(track: DataView, fileSize: number): Tables | undefined {
  const media = findBox(track, "mdia");
  const samples = media && findBox(media, "minf", "stbl");
  if (samples === undefined || hasOtherSyncs(samples) || !chunksAreInside(samples, fileSize)) return undefined;
  const timescale = timescaleOf(findBox(media!, "mdhd"));
  const count = countSamples(findBox(samples, "stsz"), fileSize);
  const times = entryTable(findBox(samples, "stts"), 8);
  if (timescale === 0 || count === undefined || times === undefined) return undefined;
  const descriptions = sampleDescriptions(samples, count);
  if (descriptions === undefined) return undefined;
  if (samplesOf(times, count) !== count || hasAbsurdDuration(times)) return undefined;
  const [offsets, syncs] = [findBox(samples, "ctts"), findBox(samples, "stss")];
  const tables = { offsets: entryTable(offsets, 8), syncs: entryTable(syncs, 4) };
  if ((offsets && !tables.offsets) || (syncs && !tables.syncs)) return undefined;
  return {
    box: samples,
    timescale,
    samples: count,
    times,
    offsets: tables.offsets,
    syncs: tables.syncs && syncSamples(tables.syncs, count),
    descriptions,
  };
}

/** Signed also in version 0: writers do so, and readers follow. Section 8.6.1.3. */
const shiftsOf = (offsets: EntryTable) => runLengths(offsets, (entry) => offsets.int32(entry, 4));

type ShiftedTables = { tables: Tables; shift: number };

/** `shift` is added to all times, in ticks. */
function* packetsOf({ tables, shift }: ShiftedTables): Generator<PlannedPacket> {
  const { timescale, samples, times, offsets, syncs, descriptions } = tables;
  const durations = runLengths(times, (entry) => times.uint32(entry, 4));
  const shifts = offsets && shiftsOf(offsets);
  let decoded = shift;
  for (let sample = 0; sample < samples; sample += 1) {
    const duration = durations.next().value ?? 0;
    const offset = shifts?.next().value ?? 0;
    yield {
      time: (decoded + offset) / timescale,
      duration: duration > 0 ? duration / timescale : undefined,
      key: syncs === undefined || syncs[sample] === 1,
      ...(descriptions.ofSamples === undefined ? {} : { description: descriptions.ofSamples[sample]! }),
    };
    decoded += duration;
  }
}

const firstShown = ({ offsets }: Tables): number => (offsets && shiftsOf(offsets).next().value) ?? 0;

const SELF_CONTAINED = 1;

/**
 * Whether a track's data is said to be in other files. No reader that is used here would open them,
 * and what it'd read in their place is none of the video. Section 8.7.2.
 */
function namesOtherFiles(track: DataView): boolean {
  const references = findBox(track, "mdia", "minf", "dinf", "dref");
  if (references === undefined) return false;
  for (const { body } of boxesIn(references, TABLE_FIELDS))
    if (body.byteLength >= 4 && (body.getUint32(0) & SELF_CONTAINED) === 0) return true;
  return false;
}

/** "vide", the handler of pictures. Section 8.4.3. */
const PICTURE = 0x76696465;

export type SampleTable = {
  /** Each in decode order. */
  packets: Iterable<PlannedPacket>;
  /** Reads the second keyframe; undefined where there is none, or it's larger than a keyframe is. */
  readSecondKeyframe: () => Promise<Buffer | undefined>;
};

/**
 * The packets of the video track that ffmpeg calls stream `stream`, from the file's own index.
 * Undefined where the index doesn't say all. Throws `CutFailedError` (UnreadableMedia) for a file
 * whose data is elsewhere, or that holds more boxes than a real one.
 */
export async function readSampleTable(
  source: RangedSource,
  stream: number,
  signal: AbortSignal,
): Promise<SampleTable | undefined> {
  const found = await readTables(source, stream, signal);
  if (found === undefined) return undefined;
  const { syncs, box } = found.tables;
  const readSecondKeyframe = async () => {
    const second = syncs === undefined ? 1 : syncs.indexOf(1, syncs.indexOf(1) + 1);
    const location = second > 0 ? sampleLocation(box, second) : undefined;
    if (location === undefined || location.size > MAX_KEYFRAME_BYTES) return undefined;
    const end = location.offset + location.size;
    if (end > source.size) return undefined;
    return Buffer.concat(await Array.fromAsync(source.read(location.offset, end - 1, signal)));
  };
  return { packets: packetsOf(found), readSecondKeyframe };
}

/**
 * The decoder's configuration (body of avcC or hvcC) of each sample description that the packets of
 * `readSampleTable` name. Empty where there's no such table, or a description has none.
 */
export async function readConfigurations(source: RangedSource, stream: number, signal: AbortSignal): Promise<Buffer[]> {
  const entries = (await readTables(source, stream, signal))?.tables.descriptions.entries ?? [];
  const configurations = entries.flatMap((entry) => configurationIn(entry) ?? []);
  return configurations.length === entries.length ? configurations : [];
}

const MAX_KEYFRAME_BYTES = 16 * 1024 * 1024;

/** The tables of a track, and by how many ticks its edit list shifts it. */
async function readTables(
  source: RangedSource,
  stream: number,
  signal: AbortSignal,
): Promise<ShiftedTables | undefined> {
  const movie = await readMovieBox(source, signal);
  if (movie === undefined) return undefined;
  const tracks = [...boxesIn(movie)].filter(({ type }) => type === "trak").map(({ body }) => body);
  for (const track of tracks) {
    if (namesOtherFiles(track)) throw unreadable("its data is said to be in other files, and only this one is here");
    // Each may hold thousands of boxes: what else waits, a deadline for one, has its turn.
    await setImmediate();
  }
  const track = tracks[stream];
  const handler = track && findBox(track, "mdia", "hdlr");
  if (track === undefined || handler === undefined || handler.byteLength < 12) return undefined;
  if (handler.getUint32(8) !== PICTURE || findBox(movie, "mvex") !== undefined) return undefined;
  const tables = tablesOf(track, source.size);
  if (tables === undefined) return undefined;
  const shift = editShift(track, firstShown(tables), tables.timescale, timescaleOf(findBox(movie, "mvhd")));
  return shift === undefined ? undefined : { tables, shift };
}
