/** A schema of the kinds of fields that events have. */
export const RELEASED = {
  title: "Thing",
  type: "object",
  properties: {
    kind: { type: "string", const: "thing" },
    id: { type: "integer", exclusiveMinimum: 0, maximum: 100 },
    seconds: { type: "number", minimum: 0 },
    name: { type: "string", minLength: 1 },
    code: { type: "string", pattern: "^[A-Z]+$" },
    cut: { type: "string", enum: ["keyframe", "exact"] },
    note: { type: "string" },
    size: {
      type: "array",
      prefixItems: [{ type: "integer" }, { type: "integer" }],
      items: false,
      minItems: 2,
      maxItems: 2,
    },
    tracks: {
      type: "array",
      items: { type: "object", properties: { index: { type: "integer" } }, required: ["index"] },
    },
  },
  required: ["kind", "id", "seconds", "name", "code", "cut", "size", "tracks"],
} as const;

type Fields = Record<string, unknown>;

const withFields = (changed: Fields, required: readonly string[] = RELEASED.required) => ({
  ...RELEASED,
  properties: { ...RELEASED.properties, ...changed },
  required,
});
const without = (name: string) => {
  const { [name]: _, ...properties } = RELEASED.properties as Fields;
  return { ...RELEASED, properties, required: RELEASED.required.filter((other) => other !== name) };
};
const tracks = (changed: Fields) =>
  withFields({ tracks: { type: "array", items: { ...RELEASED.properties.tracks.items, ...changed } } });

const optionalName = withFields(
  {},
  RELEASED.required.filter((name) => name !== "name"),
);
const requiredNote = withFields({}, [...RELEASED.required, "note"]);

/** The change, the schema after it, and how it is reported. */
export type Case = [what: string, schema: object, says: string];

export const WIDER: Case[] = [
  ["a required field made optional", optionalName, "name is no longer required"],
  [
    "an integer that may be a fraction",
    withFields({ id: { ...RELEASED.properties.id, type: "number" } }),
    "id has another type: integer became number",
  ],
  [
    "a second type",
    withFields({ note: { type: ["string", "null"] } }),
    "note has another type: string became string or null",
  ],
  ["a type left open", withFields({ note: {} }), "note has another type: string became any"],
  [
    "a value added to an enum",
    withFields({ cut: { type: "string", enum: ["keyframe", "exact", "smart"] } }),
    'cut can be "smart" now',
  ],
  ["an enum left open", withFields({ cut: { type: "string" } }), 'cut is no longer limited to "keyframe", "exact"'],
  [
    "a minimum lowered",
    withFields({ seconds: { type: "number", minimum: -1 } }),
    "seconds has another minimum: 0 became -1",
  ],
  ["a minimum removed", withFields({ seconds: { type: "number" } }), "seconds has another minimum: 0 became none"],
  [
    "an excluded bound included",
    withFields({ id: { type: "integer", minimum: 0, maximum: 100 } }),
    "id has another minimum: 1 became 0",
  ],
  [
    "a maximum raised",
    withFields({ id: { ...RELEASED.properties.id, maximum: 101 } }),
    "id has another maximum: 100 became 101",
  ],
  ["a shorter text allowed", withFields({ name: { type: "string" } }), "name has another minLength: 1 became none"],
  ["a pattern removed", withFields({ code: { type: "string" } }), "code has another pattern: ^[A-Z]+$ became none"],
  ["a required field made optional within a list", tracks({ required: [] }), "tracks[].index is no longer required"],
  [
    "a type widened within a tuple",
    withFields({ size: { ...RELEASED.properties.size, prefixItems: [{ type: "integer" }, { type: "number" }] } }),
    "size[1] has another type",
  ],
];

export const NARROWER: Case[] = [
  ["an optional field made required", requiredNote, "note is required now"],
  [
    "a required field added",
    withFields({ added: { type: "string" } }, [...RELEASED.required, "added"]),
    "added was added and is required",
  ],
  [
    "a number that must be an integer",
    withFields({ seconds: { type: "integer", minimum: 0 } }),
    "seconds has another type: number became integer",
  ],
  [
    "a value removed from an enum",
    withFields({ cut: { type: "string", enum: ["keyframe"] } }),
    'cut can no longer be "exact"',
  ],
  ["a text limited to an enum", withFields({ note: { type: "string", enum: ["a"] } }), 'note is limited to "a" now'],
  [
    "a minimum raised",
    withFields({ seconds: { type: "number", minimum: 0.5 } }),
    "seconds has another minimum: 0 became 0.5",
  ],
  [
    "a bound excluded",
    withFields({ seconds: { type: "number", exclusiveMinimum: 0 } }),
    "seconds has another minimum: 0 became 0 (excluded)",
  ],
  [
    "a maximum added",
    withFields({ seconds: { type: "number", minimum: 0, maximum: 9 } }),
    "seconds has another maximum: none became 9",
  ],
  [
    "a longer text demanded",
    withFields({ name: { type: "string", minLength: 2 } }),
    "name has another minLength: 1 became 2",
  ],
  [
    "a pattern added",
    withFields({ note: { type: "string", pattern: "^a" } }),
    "note has another pattern: none became ^a",
  ],
  [
    "a format added",
    withFields({ note: { type: "string", format: "uri" } }),
    "note has another format: none became uri",
  ],
];

export const BOTH: Case[] = [
  ["a required field removed", without("name"), "name was removed or renamed"],
  ["an optional field removed", without("note"), "note was removed or renamed"],
  [
    "a field renamed",
    { ...without("note"), properties: { ...without("note").properties, remark: { type: "string" } } },
    "note was removed or renamed",
  ],
  [
    "a field of a list's elements removed",
    tracks({ properties: {}, required: [] }),
    "tracks[].index was removed or renamed",
  ],
  ["another type", withFields({ id: { type: "string" } }), "id has another type: integer became string"],
  [
    "another constant",
    withFields({ kind: { type: "string", const: "other" } }),
    'kind can be "other" now and can no longer be "thing"',
  ],
  [
    "an enum's value replaced",
    withFields({ cut: { type: "string", enum: ["keyframe", "smart"] } }),
    'cut can be "smart" now and can no longer be "exact"',
  ],
  [
    "another pattern",
    withFields({ code: { type: "string", pattern: "^[a-z]+$" } }),
    "code has another pattern: ^[A-Z]+$ became ^[a-z]+$",
  ],
  [
    "another number of places in a tuple",
    withFields({ size: { ...RELEASED.properties.size, prefixItems: [{ type: "integer" }] } }),
    "size has another number of named places: 2 became 1",
  ],
  [
    "a tuple opened",
    withFields({ size: { ...RELEASED.properties.size, items: {} } }),
    "size closes or opens what comes after its named places",
  ],
  [
    "further fields forbidden",
    { ...RELEASED, additionalProperties: false },
    'the event changed in "additionalProperties", which this check doesn\'t support',
  ],
  [
    "a union",
    withFields({ note: { anyOf: [{ type: "string" }, { type: "null" }] } }),
    'note changed in "anyOf", which this check doesn\'t support',
  ],
];

export const HARMLESS: [what: string, schema: object][] = [
  ["nothing", RELEASED],
  ["an optional field added", withFields({ added: { type: "string" } })],
  [
    "an optional field added within a list",
    tracks({ properties: { index: { type: "integer" }, codec: { type: "string" } } }),
  ],
  [
    "another description and title",
    { ...withFields({ note: { type: "string", description: "A note." } }), title: "Other", $id: "urn:x" },
  ],
  ["the same bound written in another way", withFields({ id: { type: "integer", minimum: 1, maximum: 100 } })],
  [
    "another order of fields, values and required names",
    {
      ...withFields({ cut: { enum: ["exact", "keyframe"], type: "string" } }, [...RELEASED.required].reverse()),
      properties: Object.fromEntries(
        Object.entries({ ...RELEASED.properties, cut: { enum: ["exact", "keyframe"], type: "string" } }).reverse(),
      ),
    },
  ],
];
