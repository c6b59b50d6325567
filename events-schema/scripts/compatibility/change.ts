/**
 * `wider`: values are allowed that weren't. `narrower`: values were allowed that aren't. `both`:
 * both, or it isn't known.
 */
export type Effect = "wider" | "narrower" | "both";

/** How one field's schema changed. */
export type Change = {
  /** Such as `detail.data.size[0]`. */
  field: string;
  /** Follows the field's name: `was removed`. */
  says: string;
  effect: Effect;
};

/** The effect of replacing one set of values by another; undefined if they are the same. */
export function effectOf<T>(before: ReadonlySet<T>, after: ReadonlySet<T>): Effect | undefined {
  const wider = [...after].some((value) => !before.has(value));
  const narrower = [...before].some((value) => !after.has(value));
  if (wider && narrower) return "both";
  if (wider) return "wider";
  return narrower ? "narrower" : undefined;
}
