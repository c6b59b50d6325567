import { compilePattern, InvalidEventPatternException } from "../../emulator/events/index.ts";
import type { PatternCheck } from "./types.ts";

/**
 * Characters, unless an account has another quota:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
const MAX_PATTERN_LENGTH = 2_048;

/** A pattern that EventBridge refuses, with its reason. */
export class PatternRefused extends Error {
  override name = "PatternRefused";
}

/** Returns what the pattern matches. Throws `PatternRefused` for what EventBridge would refuse. */
export function matcherOf(text: string): (event: unknown) => boolean {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (cause) {
    throw new PatternRefused(`The pattern isn't JSON: ${(cause as Error).message}`, { cause });
  }
  const { length } = JSON.stringify(pattern);
  if (length > MAX_PATTERN_LENGTH)
    throw new PatternRefused(`The pattern has ${length} characters; EventBridge takes ${MAX_PATTERN_LENGTH} at most`);
  try {
    return compilePattern(pattern);
  } catch (cause) {
    if (cause instanceof InvalidEventPatternException) throw new PatternRefused(cause.message, { cause });
    throw cause;
  }
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const compact = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
};

/** The lines that make a pattern a rule of this bus, and whether EventBridge takes it. */
export function checkPattern(text: string, bus: string, endpoint?: string): PatternCheck {
  const pattern = compact(text);
  const at = endpoint === undefined ? "" : ` --endpoint-url ${endpoint}`;
  const cli = `aws${at} events put-rule --name my-rule --event-bus-name ${bus} --event-pattern ${quoted(pattern)}`;
  const sst = `new aws.cloudwatch.EventRule("MyRule", { eventBusName: ${JSON.stringify(bus)}, eventPattern: JSON.stringify(${pattern}) });`;
  try {
    matcherOf(text);
    return { cli, sst };
  } catch (error) {
    if (error instanceof PatternRefused) return { refusal: error.message, cli, sst };
    throw error;
  }
}
