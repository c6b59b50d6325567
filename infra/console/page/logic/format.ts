/** Figures as the page writes them. */

const SECONDS_A_MINUTE = 60;
const MINUTES_AN_HOUR = 60;

const two = (value: number): string => String(value).padStart(2, "0");

/** Seconds as "1:02.500" or "2:01:02.500"; the fraction is left out where it is 0. */
export function formatTime(seconds: number): string {
  const milliseconds = Math.round(seconds * 1_000);
  const fraction = milliseconds % 1_000;
  const whole = Math.floor(milliseconds / 1_000);
  const minutes = Math.floor(whole / SECONDS_A_MINUTE);
  const hours = Math.floor(minutes / MINUTES_AN_HOUR);
  const clock =
    hours > 0
      ? `${hours}:${two(minutes % MINUTES_AN_HOUR)}:${two(whole % SECONDS_A_MINUTE)}`
      : `${minutes}:${two(whole % SECONDS_A_MINUTE)}`;
  return fraction === 0 ? clock : `${clock}.${String(fraction).padStart(3, "0")}`;
}

/** A duration such as "2.5 s". */
export const formatSeconds = (seconds: number): string => `${Number(seconds.toFixed(3))} s`;

const UNITS = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** Bytes as "1.5 MB", with powers of 1,000. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${UNITS[unit]}`;
}

/** A number with commas. */
export const formatCount = (count: number): string => count.toLocaleString("en-US");

/** "1 segment", "2 segments". */
export const plural = (count: number, word: string): string => `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;

/** The local time of day of an ISO time; with the date where it isn't today. */
export function formatMoment(iso: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
