import { type Condition, onlyKey, type Scalar, text } from "./condition.ts";
import { refuse } from "./errors.ts";
import { equalsIgnoreCase, prefix, suffix, type TextTest, wildcard } from "./text-tests.ts";

const nonEmpty = (value: string): string => (value === "" ? refuse("Null prefix/suffix not allowed") : value);

const NOT_A_STRING_AFFIX = "prefix/suffix match pattern must be a string";

const OPERATORS: Record<string, { test(value: string): TextTest; notAString: string }> = {
  prefix: { test: (value) => prefix(nonEmpty(value)), notAString: NOT_A_STRING_AFFIX },
  suffix: { test: (value) => suffix(nonEmpty(value)), notAString: NOT_A_STRING_AFFIX },
  "equals-ignore-case": {
    test: equalsIgnoreCase,
    notAString: "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
  },
  wildcard: { test: wildcard, notAString: "wildcard match pattern must be a string" },
};

function noneOfTests(expression: object): Condition {
  const [operator, operand] = onlyKey(expression);
  const known = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (known === undefined) return refuse(`Unsupported anything-but pattern: ${operator}`);
  const operands: unknown[] = Array.isArray(operand) ? operand : [operand];
  // event-ruler accepts the empty list, and then never matches.
  if (operands.length === 0) return refuse("Empty arrays are not allowed");
  const tests = operands.map((value) => known.test(text(value, known.notAString)));
  return {
    absent: false,
    // A value that isn't a string has no prefix, suffix or case, so `anything-but` matches it.
    matches: (value) => typeof value !== "string" || !tests.some((test) => test(value)),
  };
}

function noneOfValues(operands: readonly unknown[]): Condition {
  const strings = operands.every((value) => typeof value === "string");
  const numbers = operands.every((value) => typeof value === "number");
  if (operands.length === 0 || (!strings && !numbers)) {
    return refuse(
      "Inside anything but list, either all values are number or string, mixed type is not supported; start|null|boolean is not supported.",
    );
  }
  const refused = new Set<Scalar>(operands);
  return { absent: false, matches: (value) => !refused.has(value) };
}

/**
 * All forms of `anything-but`: a value, a list of strings or of numbers, or one of prefix, suffix,
 * equals-ignore-case and wildcard with a string or a list of them. The field must exist; its value
 * may be of any type.
 */
export function anythingBut(operand: unknown): Condition {
  if (Array.isArray(operand)) return noneOfValues(operand);
  if (typeof operand === "object" && operand !== null) return noneOfTests(operand);
  if (typeof operand === "string" || typeof operand === "number") return noneOfValues([operand]);
  return refuse("Value of anything-but must be an array or single string/number value.");
}
