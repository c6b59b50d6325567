import { findBox } from "./boxes.ts";
import { entryTable } from "./tables.ts";

/** Offsets of timescale (mvhd, mdhd) and duration (tkhd) by version. */
const CLOCK_AT = { short: 12, long: 20 } as const;
const TRACK_DURATION_AT = { short: 20, long: 28 } as const;

const isLong = (header: DataView): boolean => header.getUint8(0) === 1;

const clockOf = (header: DataView): number => header.getUint32(isLong(header) ? CLOCK_AT.long : CLOCK_AT.short);

/** Adds to a 32-bit or 64-bit duration. */
function addTo(view: DataView, at: number, ticks: number, long: boolean): void {
  if (long) view.setBigUint64(at, view.getBigUint64(at) + BigInt(ticks));
  else view.setUint32(at, view.getUint32(at) + ticks);
}

const addToMedia = (header: DataView, ticks: number): void =>
  addTo(header, (isLong(header) ? CLOCK_AT.long : CLOCK_AT.short) + 4, ticks, isLong(header));

/**
 * Extends the last sample of a track to `seconds` when it's shorter. ffmpeg ignores the durations
 * of a fragmented file and guesses the last one by a frame rate, which may be that of the
 * timescale, or absent. Players skip a frame that has no duration. `movie` is the body of moov,
 * `track` that of trak. ISO/IEC 14496-12, sections 8.3.2, 8.4.2, 8.6.1.2 and 8.6.6.
 */
export function setLastDuration(movie: DataView, track: DataView, seconds: number): void {
  const times = findBox(track, "mdia", "minf", "stbl", "stts");
  const table = entryTable(times, 8);
  const last = (table?.count ?? 0) - 1;
  if (times === undefined || table === undefined || last < 1) return;
  if (table.uint32(last) !== 1) return;
  const [media, header, whole] = [findBox(track, "mdia", "mdhd"), findBox(track, "tkhd"), findBox(movie, "mvhd")];
  if (media === undefined || header === undefined || whole === undefined) return;
  const written = table.uint32(last, 4);
  const ticks = Math.round(seconds * clockOf(media)) - written;
  if (ticks <= 0) return;
  const wholeTicks = Math.round((ticks / clockOf(media)) * clockOf(whole));
  times.setUint32(8 + last * 8 + 4, written + ticks);
  addToMedia(media, ticks);
  const at = isLong(header) ? TRACK_DURATION_AT.long : TRACK_DURATION_AT.short;
  addTo(header, at, wholeTicks, isLong(header));
  const edits = findBox(track, "edts", "elst");
  const edit = entryTable(edits, (version) => (version === 1 ? 20 : 12));
  if (edits !== undefined && edit !== undefined && edit.count > 0) {
    const entry = 8 + (edit.count - 1) * (edit.version === 1 ? 20 : 12);
    addTo(edits, entry, wholeTicks, edit.version === 1);
  }
  const [own, all] = [durationAt(header, at), durationAt(whole, (isLong(whole) ? CLOCK_AT.long : CLOCK_AT.short) + 4)];
  if (own > all) addToMedia(whole, own - all);
}

const durationAt = (view: DataView, at: number): number =>
  isLong(view) ? Number(view.getBigUint64(at)) : view.getUint32(at);
