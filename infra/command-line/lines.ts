/** Controls (C0, DEL, C1), marks that turn the direction of text, and separators that some terminals take for line ends. */
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** As in JSON, so that JSON with such characters in its strings stays the same JSON. */
function escapeOf(character: string): string {
  const escaped = JSON.stringify(character).slice(1, -1);
  return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : escaped;
}

/**
 * A text as a terminal may show it: a key, metadata or a message of a stranger can't move the cursor, colour, hide or
 * reorder text, or begin a line.
 */
export const visible = (text: string): string => text.replace(INVISIBLE, escapeOf);

/** Writes each text as one line. All that a command shows of others goes through here. */
export function writeLines(stream: NodeJS.WritableStream, ...lines: readonly string[]): void {
  stream.write(lines.map((line) => `${visible(line)}\n`).join(""));
}

/** Writes to stdout. */
export const print = (...lines: readonly string[]): void => writeLines(process.stdout, ...lines);
