import { refuse } from "./errors.ts";

/** Whether a text matches a pattern. */
export type TextTest = (text: string) => boolean;

export const prefix =
  (start: string): TextTest =>
  (text) =>
    text.startsWith(start);

export const suffix =
  (end: string): TextTest =>
  (text) =>
    text.endsWith(end);

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/**
 * Each character in lower and in upper case, as event-ruler does: "ß" matches itself and
 * "SS", but "SS" doesn't match "ß".
 */
const ignoringCase = (text: string): string =>
  Array.from(text, (character) =>
    [...new Set([character.toLowerCase(), character.toUpperCase()])].map((form) => escaped(form)).join("|"),
  )
    .map((forms) => `(?:${forms})`)
    .join("");

export function equalsIgnoreCase(expected: string): TextTest {
  const expression = new RegExp(`^${ignoringCase(expected)}$`, "u");
  return (text) => expression.test(text);
}

export function prefixIgnoreCase(start: string): TextTest {
  const expression = new RegExp(`^${ignoringCase(start)}`, "u");
  return (text) => expression.test(text);
}

export function suffixIgnoreCase(end: string): TextTest {
  const expression = new RegExp(`${ignoringCase(end)}$`, "u");
  return (text) => expression.test(text);
}

/** The literal parts between the wildcards of a pattern; `\*` and `\\` are literal. */
function literalParts(pattern: string): string[] {
  const parts = [""];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (character === "*") {
      if (next === "*") refuse(`Consecutive wildcard characters at pos ${at}`);
      parts.push("");
    } else if (character === "\\") {
      if (next !== "*" && next !== "\\") refuse(`Invalid escape character at pos ${at}`);
      parts[parts.length - 1] += next;
      at++;
    } else {
      parts[parts.length - 1] += character;
    }
  }
  return parts;
}

/**
 * `*` matches any number of characters, also none. Throws `InvalidEventPatternException` for `**`
 * and for a backslash before anything but `*` and `\`. Takes time in proportion to the text: each
 * part is searched once, from left to right.
 */
export function wildcard(pattern: string): TextTest {
  const parts = literalParts(pattern);
  const [first = "", ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
