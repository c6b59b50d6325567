import { anythingBut } from "./anything-but.ts";
import { type Condition, onlyKey, text } from "./condition.ts";
import { refuse } from "./errors.ts";
import { cidr, sameAddress } from "./ip-addresses.ts";
import { numeric } from "./numeric.ts";
import {
  equalsIgnoreCase,
  prefix,
  prefixIgnoreCase,
  suffix,
  suffixIgnoreCase,
  type TextTest,
  wildcard,
} from "./text-tests.ts";

const ofText = (test: TextTest): Condition => ({
  absent: false,
  matches: (value) => typeof value === "string" && test(value),
});

function affix(
  name: string,
  operand: unknown,
  plain: (text: string) => TextTest,
  ignoringCase: (text: string) => TextTest,
): Condition {
  if (typeof operand !== "object" || operand === null) {
    return ofText(plain(text(operand, `${name} match pattern must be a string`)));
  }
  const [operator, value] = onlyKey(operand);
  if (operator !== "equals-ignore-case") return refuse(`Unsupported ${name} pattern: ${operator}`);
  return ofText(ignoringCase(text(value, "equals-ignore-case match pattern must be a string")));
}

function exists(operand: unknown): Condition {
  if (operand === true) return { absent: false, matches: () => true };
  return operand === false ? { absent: true } : refuse("exists match pattern must be either true or false.");
}

const OPERATORS: Record<string, (operand: unknown) => Condition> = {
  "anything-but": anythingBut,
  cidr: (operand) => ofText(cidr(text(operand, "cidr match pattern must be a string"))),
  "equals-ignore-case": (operand) =>
    ofText(equalsIgnoreCase(text(operand, "equals-ignore-case match pattern must be a string"))),
  exactly: (operand) => {
    const expected = text(operand, "exact match pattern must be a string");
    return ofText((value) => value === expected);
  },
  exists,
  numeric: (operand) => {
    const test = numeric(operand);
    return { absent: false, matches: (value) => typeof value === "number" && test(value) };
  },
  prefix: (operand) => affix("prefix", operand, prefix, prefixIgnoreCase),
  suffix: (operand) => affix("suffix", operand, suffix, suffixIgnoreCase),
  wildcard: (operand) => ofText(wildcard(text(operand, "wildcard match pattern must be a string"))),
};

/**
 * One element of a leaf's array. A string that is an IP address matches the same address however it
 * is written. A number matches by value, so 300, 300.0 and 3.0e2 are the same. EventBridge's guide
 * says they differ, event-ruler, which EventBridge runs on, compares values:
 * https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/JsonRuleCompiler.java
 */
export function condition(element: unknown): Condition {
  if (typeof element === "string") {
    return ofText(sameAddress(element) ?? ((value) => value === element));
  }
  if (element === null || typeof element === "number" || typeof element === "boolean") {
    return { absent: false, matches: (value) => value === element };
  }
  if (typeof element !== "object" || Array.isArray(element)) {
    return refuse("Match value must be String, number, true, false, or null");
  }
  const [operator, operand] = onlyKey(element);
  const known = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  return known === undefined ? refuse(`Unrecognized match type ${operator}`) : known(operand);
}
