import type { Log } from "../../services/video/ports/log.ts";

export type Line = Record<string, unknown>;

/** A log in memory. `lines` are those of all logs that come of it, in order. */
export function fakeLog(fields: Line = {}, lines: Line[] = []): Log & { lines: Line[] } {
  const write =
    (level: string) =>
    (message: string, more: Line = {}) =>
      void lines.push({ level, message, ...fields, ...more });
  return {
    lines,
    info: write("INFO"),
    warn: write("WARN"),
    with: (more) => fakeLog({ ...fields, ...more }, lines),
  };
}
