import { findBox } from "../formats/iso/boxes.ts";
import { entryTable } from "../formats/iso/tables.ts";

/** Presentation times in ticks, before an edit list shifts them; `last` is unknown where fragments follow. */
export type Shown = { first: number; last?: number };

/**
 * The ticks by which an edit list shifts a track's times, when it does only that: it may insert a
 * gap at the start. Undefined when it does more, or hides frames, as where a phone has trimmed the
 * video. `timescale`: ticks per second of the track; `movieTimescale`: of the movie. Section 8.6.6.
 */
export function editShift(
  track: DataView,
  shown: Shown,
  timescale: number,
  movieTimescale: number,
): number | undefined {
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
  if (edits.length !== 1 || edit!.start < 0 || edit!.start > shown.first) return undefined;
  const end = edit!.start + Math.round((edit!.duration * timescale) / movieTimescale);
  // Without a duration, it's as long as the track.
  if (edit!.duration > 0 && shown.last !== undefined && shown.last >= end) return undefined;
  return Math.round((gap * timescale) / movieTimescale) - edit!.start;
}
