import { boundChanges } from "./bounds.ts";
import { type Change, type Effect, effectOf } from "./change.ts";
import { canonical, type JsonSchema, propertiesOf, requiredOf, subschema } from "./json-schema.ts";

/** Keywords that allow and forbid nothing. */
const ANNOTATIONS = ["$id", "$schema", "title", "description", "examples", "default", "deprecated", "$comment"];

/** Keywords that one of the functions below compares. */
const COMPARED = ["type", "const", "enum", "pattern", "format", "properties", "required", "items", "prefixItems"];
const BOUNDS = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
];
const KNOWN = new Set([...ANNOTATIONS, ...COMPARED, ...BOUNDS]);

/** JSON's types that a schema allows; every integer is a number too. */
function typesOf(schema: JsonSchema): Set<string> {
  const types = [schema.type ?? ["array", "boolean", "null", "number", "object", "string"]].flat().map(String);
  return new Set(types.includes("number") ? [...types, "integer"] : types);
}

function typeChange(field: string, before: JsonSchema, after: JsonSchema): Change[] {
  const effect = effectOf(typesOf(before), typesOf(after));
  if (effect === undefined) return [];
  const written = ({ type }: JsonSchema): string => (type === undefined ? "any" : [type].flat().join(" or "));
  return [{ field, says: `has another type: ${written(before)} became ${written(after)}`, effect }];
}

/** The values of `const` or `enum`; undefined where any will do. */
function choicesOf(schema: JsonSchema): Set<string> | undefined {
  if ("const" in schema) return new Set([canonical(schema.const)]);
  return Array.isArray(schema.enum) ? new Set(schema.enum.map(canonical)) : undefined;
}

function choiceChange(field: string, before: JsonSchema, after: JsonSchema): Change[] {
  const [old, now] = [choicesOf(before), choicesOf(after)];
  if (old === undefined && now === undefined) return [];
  if (old === undefined) return [{ field, says: `is limited to ${[...now!].join(", ")} now`, effect: "narrower" }];
  if (now === undefined) return [{ field, says: `is no longer limited to ${[...old].join(", ")}`, effect: "wider" }];
  const effect = effectOf(old, now);
  if (effect === undefined) return [];
  const added = [...now].filter((value) => !old.has(value));
  const removed = [...old].filter((value) => !now.has(value));
  const says = [
    ...(added.length > 0 ? [`can be ${added.join(", ")} now`] : []),
    ...(removed.length > 0 ? [`can no longer be ${removed.join(", ")}`] : []),
  ];
  return [{ field, says: says.join(" and "), effect }];
}

/**
 * Compares only whether a regular expression or format exists: which of two allows more isn't
 * known.
 */
function textRuleChange(field: string, keyword: "pattern" | "format", before: JsonSchema, after: JsonSchema): Change[] {
  const [old, now] = [before[keyword], after[keyword]];
  if (old === now) return [];
  const effect: Effect = old === undefined ? "narrower" : now === undefined ? "wider" : "both";
  return [{ field, says: `has another ${keyword}: ${old ?? "none"} became ${now ?? "none"}`, effect }];
}

function propertyChanges(parent: string, before: JsonSchema, after: JsonSchema): Change[] {
  const [old, now] = [propertiesOf(before), propertiesOf(after)];
  const [wasRequired, isRequired] = [requiredOf(before), requiredOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name): Change[] => {
    const field = parent === "" ? name : `${parent}.${name}`;
    const [oldSchema, newSchema] = [old[name], now[name]];
    if (newSchema === undefined) return [{ field, says: "was removed or renamed", effect: "both" }];
    if (oldSchema === undefined) {
      return isRequired.has(name) ? [{ field, says: "was added and is required", effect: "narrower" }] : [];
    }
    const presence: Change[] = [];
    if (wasRequired.has(name) && !isRequired.has(name))
      presence.push({ field, says: "is no longer required", effect: "wider" });
    if (!wasRequired.has(name) && isRequired.has(name))
      presence.push({ field, says: "is required now", effect: "narrower" });
    return [...presence, ...changes(oldSchema, newSchema, field)];
  });
}

function elementChanges(field: string, before: JsonSchema, after: JsonSchema): Change[] {
  const [old, now] = [[before.prefixItems ?? []].flat(), [after.prefixItems ?? []].flat()];
  if (old.length !== now.length) {
    return [{ field, says: `has another number of named places: ${old.length} became ${now.length}`, effect: "both" }];
  }
  const places = old.flatMap((place, index) => changes(subschema(place), subschema(now[index]), `${field}[${index}]`));
  if (before.items === undefined && after.items === undefined) return places;
  if (typeof before.items === "boolean" || typeof after.items === "boolean") {
    if (before.items === after.items) return places;
    return [...places, { field, says: "closes or opens what comes after its named places", effect: "both" }];
  }
  return [...places, ...changes(subschema(before.items), subschema(after.items), `${field}[]`)];
}

/** A keyword that this check doesn't support must not change: an unknown change is refused. */
function unsupportedChanges(field: string, before: JsonSchema, after: JsonSchema): Change[] {
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)].filter((keyword) => !KNOWN.has(keyword)));
  return [...keywords]
    .filter((keyword) => canonical(before[keyword]) !== canonical(after[keyword]))
    .map((keyword) => ({ field, says: `changed in "${keyword}", which this check doesn't support`, effect: "both" }));
}

/** Every change from one schema to another that allows or forbids a value. */
export function changes(before: JsonSchema, after: JsonSchema, field = ""): Change[] {
  const type = typeChange(field, before, after);
  const own = [...type, ...choiceChange(field, before, after), ...unsupportedChanges(field, before, after)];
  if (type.some(({ effect }) => effect === "both")) return own;
  return [
    ...own,
    ...boundChanges(field, before, after),
    ...textRuleChange(field, "pattern", before, after),
    ...textRuleChange(field, "format", before, after),
    ...propertyChanges(field, before, after),
    ...elementChanges(field, before, after),
  ];
}
