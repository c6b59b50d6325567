import { refuse } from "./errors.ts";

/** EventBridge's limit, measured by others: docs/decisions/upload-rule.md. */
const MAX_COMPLEXITY = 10;

/** Maximum number of sets of prefixes to examine. A field with more counts as too complex. */
const MAX_SETS = 5_000;

const ANYTHING = Symbol("any number of characters");

type Token = string | typeof ANYTHING;

/**
 * Characters and wildcards, between the quotes that event-ruler matches too. The text is known to
 * be valid.
 */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = ['"'];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") tokens.push(text.charAt(++at));
    else tokens.push(character === "*" ? ANYTHING : character);
  }
  return [...tokens, '"'];
}

/** A prefix of one of the wildcards: the wildcard's number and how many of its tokens. */
type Position = { pattern: number; length: number };

/** With the prefixes of a wildcard that matches the empty text. */
function* closed(tokens: readonly Token[], { pattern, length }: Position): Iterable<Position> {
  yield { pattern, length };
  if (tokens[length] === ANYTHING) yield { pattern, length: length + 1 };
}

const keyOf = ({ pattern, length }: Position): string => `${pattern}:${length}`;

/**
 * How many prefixes of these wildcards one text can match concurrently, at most; counting stops at
 * `limit` + 1. That is the complexity of
 * https://github.com/aws/event-ruler#matching-with-a-machine.
 */
export function wildcardComplexity(wildcards: readonly string[], limit: number): number {
  const patterns = [...new Set(wildcards)].map(tokensOf);
  const characters = new Set(patterns.flat().filter((token) => token !== ANYTHING));
  const step = (positions: readonly Position[], character: string): Position[] => {
    const next = new Map<string, Position>();
    for (const { pattern, length } of positions) {
      const tokens = patterns[pattern] ?? [];
      const stays = tokens[length - 1] === ANYTHING ? [{ pattern, length }] : [];
      const moves = tokens[length] === character ? [...closed(tokens, { pattern, length: length + 1 })] : [];
      for (const position of [...stays, ...moves]) next.set(keyOf(position), position);
    }
    return [...next.values()];
  };

  let max = 0;
  const seen = new Set<string>();
  const waiting: Position[][] = [patterns.map((_, pattern) => ({ pattern, length: 0 }))];
  for (let positions = waiting.pop(); positions !== undefined; positions = waiting.pop()) {
    for (const character of characters) {
      const next = step(positions, character);
      max = Math.max(max, next.length);
      if (max > limit || seen.size > MAX_SETS) return limit + 1;
      const key = next.map(keyOf).sort().join(" ");
      if (next.length === 0 || seen.has(key)) continue;
      seen.add(key);
      waiting.push(next);
    }
  }
  return max;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The wildcards in one match expression, those of `anything-but` among them. */
function wildcardsIn(expression: unknown): string[] {
  if (!isObject(expression)) return [];
  const { wildcard, "anything-but": except } = expression;
  if (typeof wildcard === "string") return [wildcard];
  const excluded = isObject(except) ? [except.wildcard].flat() : [];
  return excluded.filter((text) => typeof text === "string");
}

/** The wildcards of each field, in all branches of `$or`. */
function collect(pattern: Record<string, unknown>, path: string, byPath: Map<string, string[]>): void {
  for (const [name, value] of Object.entries(pattern)) {
    const own = name === "$or" ? path : `${path}.${name}`;
    if (isObject(value)) collect(value, own, byPath);
    else if (Array.isArray(value)) {
      for (const element of value.filter(isObject)) if (name === "$or") collect(element, own, byPath);
      byPath.set(own, [...(byPath.get(own) ?? []), ...value.flatMap(wildcardsIn)]);
    }
  }
}

/** Whether a valid pattern has wildcards: EventBridge allows a number of such rules on a bus. */
export function hasWildcards(pattern: unknown): boolean {
  const byPath = new Map<string, string[]>();
  if (isObject(pattern)) collect(pattern, "", byPath);
  return [...byPath.values()].some((wildcards) => wildcards.length > 0);
}

/**
 * Refuses a valid pattern with too many wildcards for EventBridge. Throws
 * `InvalidEventPatternException`.
 */
export function assertSimpleWildcards(pattern: unknown): void {
  const byPath = new Map<string, string[]>();
  if (isObject(pattern)) collect(pattern, "", byPath);
  for (const wildcards of byPath.values()) {
    if (wildcardComplexity(wildcards, MAX_COMPLEXITY) > MAX_COMPLEXITY) {
      refuse(
        "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character",
      );
    }
  }
}
