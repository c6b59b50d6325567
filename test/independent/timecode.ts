/**
 * SMPTE timecodes: hh:mm:ss:ff, with a semicolon before the frames for drop-frame timecodes (SMPTE
 * ST 12-1).
 */

/** Frames from 00:00:00:00; undefined for an invalid timecode. */
export function framesOfTimecode(timecode: string, fps: number): number | undefined {
  const [, hours, minutes, seconds, separator, frames] = /^(\d+):(\d+):(\d+)([:;.])(\d+)$/.exec(timecode.trim()) ?? [];
  if (separator === undefined) return undefined;
  const base = Math.round(fps);
  const wholeMinutes = Number(hours) * 60 + Number(minutes);
  const numbered = (wholeMinutes * 60 + Number(seconds)) * base + Number(frames);
  if (separator === ":") return numbered;
  const dropped = Math.round(base / 15);
  return numbered - dropped * (wholeMinutes - Math.floor(wholeMinutes / 10));
}

/** Whether a segment's timecode is its source's, advanced by `frames` ± 1 for rounding. */
export function isAdvanced(source: string, segment: string, frames: number, fps: number): boolean {
  const [start, own] = [framesOfTimecode(source, fps), framesOfTimecode(segment, fps)];
  if (start === undefined || own === undefined) return source === segment;
  return Math.abs(own - start - frames) <= 1;
}
