import { refuse } from "./errors.ts";

type NumberTest = (value: number) => boolean;

const LOWER_BOUNDS: Record<string, (bound: number) => NumberTest> = {
  ">": (bound) => (value) => value > bound,
  ">=": (bound) => (value) => value >= bound,
};
const UPPER_BOUNDS: Record<string, (bound: number) => NumberTest> = {
  "<": (bound) => (value) => value < bound,
  "<=": (bound) => (value) => value <= bound,
};
const EQUALS: Record<string, (expected: number) => NumberTest> = {
  "=": (expected) => (value) => value === expected,
};

const operatorIn = (operators: Record<string, (bound: number) => NumberTest>, operator: unknown) =>
  typeof operator === "string" && Object.hasOwn(operators, operator) ? operators[operator] : undefined;

function finite(operator: unknown, value: unknown): number {
  if (typeof value !== "number") return refuse(`Value of ${operator === "=" ? "equals" : operator} must be numeric`);
  return Number.isFinite(value) ? value : refuse(`Cannot compare number : ${value}`);
}

/**
 * `["=", n]`, `["<", n]`, `[">", n]`, with `<=` and `>=`, or a range: a lower bound followed by a
 * higher upper one. Numbers are IEEE 754 doubles.
 */
export function numeric(terms: unknown): NumberTest {
  if (!Array.isArray(terms)) return refuse("Value of numeric must be an array.");
  const [operator, value, secondOperator, secondValue, ...others] = terms;
  if (typeof operator !== "string") return refuse(`Invalid member in numeric match: ${JSON.stringify(operator)}`);
  const alone = operatorIn(EQUALS, operator) ?? operatorIn(UPPER_BOUNDS, operator);
  if (alone !== undefined) {
    if (terms.length > 2) refuse("Too many elements in numeric expression");
    return alone(finite(operator, value));
  }
  const lower = operatorIn(LOWER_BOUNDS, operator) ?? refuse(`Unrecognized numeric range operator: ${operator}`);
  const bottom = finite(operator, value);
  const above = lower(bottom);
  if (terms.length === 2) return above;
  if (typeof secondOperator !== "string") {
    return refuse(`Bad value in numeric range: ${JSON.stringify(secondOperator)}`);
  }
  const upper = operatorIn(UPPER_BOUNDS, secondOperator) ?? refuse(`Bad numeric range operator: ${secondOperator}`);
  const top = finite(secondOperator, secondValue);
  if (others.length > 0) refuse("Too many terms in numeric range expression");
  if (bottom >= top) refuse("Bottom must be less than top");
  const below = upper(top);
  return (candidate) => above(candidate) && below(candidate);
}
