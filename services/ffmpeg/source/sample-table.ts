import { setImmediate } from "node:timers/promises";
import { MAX_FRAMES } from "../../split/domain/budget.ts";
import type { PlannedPacket } from "../../split/domain/cut-plan.ts";
import { limitExceeded } from "../../video/errors.ts";
import { boxesIn, findBox } from "../formats/iso/boxes.ts";
import { chunkStarts, sampleLocation } from "../formats/iso/sample-location.ts";
import { type EntryTable, entryTable, runLengths, samplesOf, TABLE_FIELDS } from "../formats/iso/tables.ts";
import { unreadable } from "../process/errors.ts";
import { editShift, type Shown } from "./edit-shift.ts";
import { assertMovieIsClear } from "./encryption.ts";
import { readMovieBox } from "./movie-box.ts";
import type { RangedSource } from "./ranged-source.ts";
import { configurationIn, type SampleDescriptions, sampleDescriptions } from "./sample-descriptions.ts";

/**
 * MP4 and MOV have an index of every frame's time and keyframe flag, so a cut of a file of many GB
 * can be planned from a few hundred KB. ISO/IEC 14496-12, section 8. For unusual files (fragments,
 * cuts by edit list, descriptions of several codecs, sync samples in groups) the result is
 * undefined: then the packets are read with ffprobe.
 */

/** Whether a container (ffprobe's name) has such an index. */
export const hasSampleTable = (format: string): boolean => format.split(",").includes("mov");

/**
 * Whether every chunk of samples begins inside the file; in a truncated file some don't. Section
 * 8.7.5.
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
 * The number of samples. Undefined when it's missing, when a sample is empty, and when all samples
 * have more bytes than the file: a few bytes can state any number. Throws `RejectedVideo`
 * (LimitExceeded) for more than the maximum. Section 8.7.3.
 */
function countSamples(sizes: DataView | undefined, fileSize: number): number | undefined {
  if (sizes === undefined || sizes.byteLength < TABLE_FIELDS + 4) return undefined;
  const fixed = sizes.getUint32(4);
  const count = sizes.getUint32(TABLE_FIELDS);
  if (count === 0 || count > fileSize) return undefined;
  if (count > MAX_FRAMES)
    throw limitExceeded(`The video has more than ${MAX_FRAMES} frames. Split it beforehand and upload the pieces.`);
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

/**
 * Ticks per second of a track or the movie; 0 when its header is missing or incomplete. Sections
 * 8.2.2, 8.4.2.
 */
export function timescaleOf(header: DataView | undefined): number {
  if (header === undefined || header.byteLength < 24) return 0;
  return header.getUint8(0) === 1 ? header.getUint32(20) : header.getUint32(12);
}

/**
 * Whether sync samples are in sample groups or partial-sync tables: ffmpeg treats these as
 * keyframes.
 */
function hasUnsupportedSyncs(samples: DataView): boolean {
  for (const { type } of boxesIn(samples)) if (type === "stps" || type === "sgpd" || type === "sbgp") return true;
  return false;
}

const MAX_INT32 = 2 ** 31 - 1;

/** Whether a sample has a duration that ffmpeg takes for an error and replaces by one tick. */
function hasInvalidDuration(times: EntryTable): boolean {
  for (let entry = 0; entry < times.count; entry += 1) if (times.uint32(entry, 4) > MAX_INT32) return true;
  return false;
}

type Tables = {
  /** The box that contains the tables (stbl). */
  box: DataView;
  timescale: number;
  samples: number;
  times: EntryTable;
  offsets: EntryTable | undefined;
  /** For each sample 1 if it's a keyframe; undefined: all are. */
  syncs: Uint8Array | undefined;
  descriptions: SampleDescriptions;
};

/** Reads which samples are keyframes. Section 8.6.2. */
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
  if (samples === undefined || hasUnsupportedSyncs(samples) || !chunksAreInside(samples, fileSize)) return undefined;
  const timescale = timescaleOf(findBox(media!, "mdhd"));
  const count = countSamples(findBox(samples, "stsz"), fileSize);
  const times = entryTable(findBox(samples, "stts"), 8);
  if (timescale === 0 || count === undefined || times === undefined) return undefined;
  const descriptions = sampleDescriptions(samples, count);
  if (descriptions === undefined) return undefined;
  if (samplesOf(times, count) !== count || hasInvalidDuration(times)) return undefined;
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

/** Signed in version 0 too: writers do so, and readers follow. Section 8.6.1.3. */
const shiftsOf = (offsets: EntryTable) => runLengths(offsets, (entry) => offsets.int32(entry, 4));

type ShiftedTables = { tables: Tables; shift: number };

/** Yields the packets; `shift` is added to all times, in ticks. */
function* packetsOf({ tables, shift }: ShiftedTables): Generator<PlannedPacket> {
  const { box, timescale, samples, times, offsets, syncs, descriptions } = tables;
  const durations = runLengths(times, (entry) => times.uint32(entry, 4));
  const shifts = offsets && shiftsOf(offsets);
  const chunks = chunkStarts(box);
  let chunk = chunks.next().value;
  let decoded = shift;
  for (let sample = 0; sample < samples; sample += 1) {
    const duration = durations.next().value ?? 0;
    const offset = shifts?.next().value ?? 0;
    const position = chunk?.sample === sample ? chunk.offset : undefined;
    if (position !== undefined) chunk = chunks.next().value;
    yield {
      time: (decoded + offset) / timescale,
      duration: duration > 0 ? duration / timescale : undefined,
      key: syncs === undefined || syncs[sample] === 1,
      ...(position === undefined ? {} : { position }),
      ...(descriptions.ofSamples === undefined ? {} : { description: descriptions.ofSamples[sample]! }),
    };
    decoded += duration;
  }
}

function shownOf({ samples, times, offsets }: Tables): Shown {
  const durations = runLengths(times, (entry) => times.uint32(entry, 4));
  const shifts = offsets && shiftsOf(offsets);
  const shown = { first: 0, last: 0 };
  let decoded = 0;
  for (let sample = 0; sample < samples; sample += 1) {
    const time = decoded + (shifts?.next().value ?? 0);
    if (sample === 0) shown.first = time;
    shown.last = Math.max(shown.last, time);
    decoded += durations.next().value ?? 0;
  }
  return shown;
}

const SELF_CONTAINED = 1;

/**
 * Whether a track's data is declared to be in other files. No reader here would open them, and it
 * would read unrelated bytes instead. Section 8.7.2.
 */
function namesOtherFiles(track: DataView): boolean {
  const references = findBox(track, "mdia", "minf", "dinf", "dref");
  if (references === undefined) return false;
  for (const { body } of boxesIn(references, TABLE_FIELDS))
    if (body.byteLength >= 4 && (body.getUint32(0) & SELF_CONTAINED) === 0) return true;
  return false;
}

/** "vide", the handler type of video. Section 8.4.3. */
const VIDEO_HANDLER = 0x76696465;

/** The box of track `stream` (ffmpeg's index) of a movie; undefined when it isn't video. */
export function videoTrackOf(movie: DataView, stream: number): DataView | undefined {
  const track = [...boxesIn(movie)].filter(({ type }) => type === "trak")[stream]?.body;
  const handler = track && findBox(track, "mdia", "hdlr");
  if (handler === undefined || handler.byteLength < 12) return undefined;
  return handler.getUint32(8) === VIDEO_HANDLER ? track : undefined;
}

export type SampleTable = {
  /** In decode order. */
  packets: Iterable<PlannedPacket>;
  /** Reads the second keyframe; undefined when there is none, or it's implausibly large. */
  readSecondKeyframe: () => Promise<Buffer | undefined>;
};

/**
 * The packets of stream `stream` (ffmpeg's index) from the file's index. Undefined when the index
 * is incomplete or unusual. Throws `CutFailedError` (UnreadableMedia) for a file whose data is
 * elsewhere, or with more boxes than a real one.
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
    return Buffer.concat(
      await Array.fromAsync(source.read(location.offset, end - 1, signal), (chunk) => Buffer.from(chunk)),
    );
  };
  return { packets: packetsOf(found), readSecondKeyframe };
}

/**
 * The decoder configuration (body of avcC or hvcC) of each sample description that packets of
 * `readSampleTable` refer to. Empty without such a table, and when a description has none.
 */
export async function readConfigurations(source: RangedSource, stream: number, signal: AbortSignal): Promise<Buffer[]> {
  const entries = (await readTables(source, stream, signal))?.tables.descriptions.entries ?? [];
  const configurations = entries.flatMap((entry) => configurationIn(entry) ?? []);
  return configurations.length === entries.length ? configurations : [];
}

export const MAX_KEYFRAME_BYTES = 16 * 1024 * 1024;

/** The tables of a track, and the ticks by which its edit list shifts it. */
async function readTables(
  source: RangedSource,
  stream: number,
  signal: AbortSignal,
): Promise<ShiftedTables | undefined> {
  const movie = await readMovieBox(source, signal);
  if (movie === undefined) return undefined;
  assertMovieIsClear(movie);
  const tracks = [...boxesIn(movie)].filter(({ type }) => type === "trak").map(({ body }) => body);
  for (const track of tracks) {
    if (namesOtherFiles(track)) throw unreadable("its media data is in other files, which can't be read");
    // Each track may have thousands of boxes: lets other tasks, such as a deadline's timer, run.
    await setImmediate();
  }
  const track = videoTrackOf(movie, stream);
  if (track === undefined || findBox(movie, "mvex") !== undefined) return undefined;
  const tables = tablesOf(track, source.size);
  if (tables === undefined) return undefined;
  const shift = editShift(track, shownOf(tables), tables.timescale, timescaleOf(findBox(movie, "mvhd")));
  return shift === undefined ? undefined : { tables, shift };
}
