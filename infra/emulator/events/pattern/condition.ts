import { refuse } from "./errors.ts";

export type Scalar = string | number | boolean | null;

/** One element of a pattern's leaf: it matches a value, or a missing value. */
export type Condition = { absent: true } | { absent: false; matches(value: Scalar): boolean };

/** The single key of a match expression and its value. */
export function onlyKey(expression: object): [operator: string, operand: unknown] {
  const [first, ...others] = Object.entries(expression);
  if (first === undefined) return refuse("Match expression name not found");
  if (others.length > 0) return refuse("Only one key allowed in match expression");
  return first;
}

export const text = (value: unknown, reason: string): string => (typeof value === "string" ? value : refuse(reason));
