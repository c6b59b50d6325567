import { styleText } from "node:util";

/**
 * Control characters (C0, DEL, C1), bidirectional marks, and separators that some terminals treat
 * as line ends.
 */
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** As in JSON, so that JSON with such characters in its strings stays the same JSON. */
function escapeOf(character: string): string {
  const escaped = JSON.stringify(character).slice(1, -1);
  return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : escaped;
}

/**
 * Escapes what controls a terminal: an object's key, metadata or a message can't move the cursor,
 * colour, hide or reorder text, or begin a line.
 */
export const visible = (text: string): string => text.replace(INVISIBLE, escapeOf);

type Style = "bold" | "dim" | "red";

/** Text in a style, if the stream is a terminal. NO_COLOR and FORCE_COLOR are supported. */
export const styled = (style: Style, text: string, stream: NodeJS.WritableStream): string =>
  styleText(style, text, { stream });

/** As `writeLines`, in a style. */
export function writeStyled(style: Style, stream: NodeJS.WritableStream, ...lines: readonly string[]): void {
  stream.write(lines.map((line) => `${styled(style, visible(line), stream)}\n`).join(""));
}

/** Writes each text as one line, escaped. Commands use this for all data from outside. */
export function writeLines(stream: NodeJS.WritableStream, ...lines: readonly string[]): void {
  stream.write(lines.map((line) => `${visible(line)}\n`).join(""));
}

/** Writes to stdout. */
export const print = (...lines: readonly string[]): void => writeLines(process.stdout, ...lines);
