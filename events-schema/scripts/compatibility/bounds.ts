import type { Change } from "./change.ts";
import type { JsonSchema } from "./json-schema.ts";

/** A number that values must not exceed; `open`: and must not be equal to. */
type Bound = { value: number; open: boolean } | undefined;

const INCLUSIVE = { lower: "minimum", upper: "maximum" } as const;
const EXCLUSIVE = { lower: "exclusiveMinimum", upper: "exclusiveMaximum" } as const;
const LENGTHS = { lower: ["minLength", "minItems"], upper: ["maxLength", "maxItems"] } as const;

type Side = keyof typeof INCLUSIVE;

/** Turns an upper bound into a lower one, so that the greater bound is always the tighter one. */
const sign = (side: Side): number => (side === "lower" ? 1 : -1);

/** > 0 where `left` allows fewer values than `right`. */
function tighter(left: Bound, right: Bound, side: Side): number {
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  return (left.value - right.value) * sign(side) || Number(left.open) - Number(right.open);
}

/** Above 0 and at least 1 is the same for integers. */
const closed = (bound: Bound, side: Side): Bound =>
  bound?.open === true ? { value: bound.value + sign(side), open: false } : bound;

function boundOf(schema: JsonSchema, side: Side): Bound {
  const bound = (keyword: string, open: boolean): Bound => {
    const value = schema[keyword];
    return typeof value === "number" ? { value, open } : undefined;
  };
  const inclusive = bound(INCLUSIVE[side], false);
  const exclusive = bound(EXCLUSIVE[side], true);
  const tightest = tighter(exclusive, inclusive, side) > 0 ? exclusive : inclusive;
  return schema.type === "integer" ? closed(tightest, side) : tightest;
}

const written = (bound: Bound): string =>
  bound === undefined ? "none" : `${bound.value}${bound.open ? " (excluded)" : ""}`;

function changeOf(field: string, what: string, before: Bound, after: Bound, side: Side): Change[] {
  const difference = tighter(after, before, side);
  if (difference === 0) return [];
  return [
    {
      field,
      says: `has another ${what}: ${written(before)} became ${written(after)}`,
      effect: difference > 0 ? "narrower" : "wider",
    },
  ];
}

/** Changes of the least and greatest number, length and count. */
export function boundChanges(field: string, before: JsonSchema, after: JsonSchema): Change[] {
  return (["lower", "upper"] as const).flatMap((side) => [
    ...changeOf(field, INCLUSIVE[side], boundOf(before, side), boundOf(after, side), side),
    ...LENGTHS[side].flatMap((keyword) => {
      const length = (schema: JsonSchema): Bound => {
        const value = schema[keyword];
        return typeof value === "number" ? { value, open: false } : undefined;
      };
      return changeOf(field, keyword, length(before), length(after), side);
    }),
  ]);
}
