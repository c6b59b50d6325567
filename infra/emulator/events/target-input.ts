import { atJsonPath } from "./json-path.ts";
import type { BusEvent, InputTransformer, TargetSpec } from "./types.ts";

/** Predefined variables of a template. */
export type RuleContext = {
  ruleArn: string;
  ruleName: string;
  /** Epoch milliseconds at which the bus accepted the event. */
  ingestedAt: number;
};

/** A map, because users choose the names, and `__proto__` is a name too. */
type Variables = Map<string, unknown>;

const PLACEHOLDER = /<([A-Za-z0-9_.-]+)>/y;

/**
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-predefined
 */
function predefined(event: BusEvent, context: RuleContext): Variables {
  const { detail: _, ...withoutDetail } = event;
  return new Map<string, unknown>([
    ["aws.events.rule-arn", context.ruleArn],
    ["aws.events.rule-name", context.ruleName],
    ["aws.events.event.ingestion-time", new Date(context.ingestedAt).toISOString()],
    ["aws.events.event", withoutDetail],
    ["aws.events.event.json", event],
  ]);
}

/** Names that need no path. */
const PREDEFINED_NAMES = new Set([
  "aws.events.rule-arn",
  "aws.events.rule-name",
  "aws.events.event.ingestion-time",
  "aws.events.event",
  "aws.events.event.json",
]);

const asJson = (value: unknown): string => JSON.stringify(value ?? null);

/** The value as part of a JSON string: empty where there is none. */
function insideString(value: unknown): string {
  if (value === undefined) return "";
  return JSON.stringify(typeof value === "string" ? value : JSON.stringify(value)).slice(1, -1);
}

/** Walks a template; `replace` gives the text for a placeholder. */
function fill(template: string, replace: (name: string, insideQuotes: boolean) => string): string {
  let filled = "";
  let insideQuotes = false;
  for (let at = 0; at < template.length; ) {
    PLACEHOLDER.lastIndex = at;
    const placeholder = PLACEHOLDER.exec(template);
    if (placeholder?.[1] !== undefined) {
      filled += replace(placeholder[1], insideQuotes);
      at += placeholder[0].length;
      continue;
    }
    const character = template.charAt(at);
    const escaped = character === "\\" && insideQuotes;
    if (character === '"') insideQuotes = !insideQuotes;
    filled += escaped ? template.slice(at, at + 2) : character;
    at += escaped ? 2 : 1;
  }
  return filled;
}

/** Placeholders of a template that are neither a path nor a predefined variable. */
export function unknownPlaceholders({ inputPathsMap = {}, inputTemplate }: InputTransformer): string[] {
  const unknown: string[] = [];
  fill(inputTemplate, (name) => {
    if (!Object.hasOwn(inputPathsMap, name) && !PREDEFINED_NAMES.has(name)) unknown.push(name);
    return "";
  });
  return unknown;
}

/** The parsed text where it is JSON, otherwise the text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function transformed(transformer: InputTransformer, event: BusEvent, context: RuleContext): unknown {
  const variables = predefined(event, context);
  for (const [name, path] of Object.entries(transformer.inputPathsMap ?? {}))
    variables.set(name, atJsonPath(event, path));
  const text = fill(transformer.inputTemplate, (name, insideQuotes) =>
    insideQuotes ? insideString(variables.get(name)) : asJson(variables.get(name)),
  );
  return parsed(text);
}

/**
 * What a target receives: the event, or the result of its input settings. A variable whose path has
 * no value is null, and empty within a string. A template whose result isn't JSON, such as several
 * lines, is delivered as text.
 */
export function targetInput(target: TargetSpec, event: BusEvent, context: RuleContext): unknown {
  if (target.input !== undefined) return parsed(target.input);
  if (target.inputPath !== undefined) return atJsonPath(event, target.inputPath) ?? null;
  if (target.inputTransformer !== undefined) return transformed(target.inputTransformer, event, context);
  return event;
}
