/** Rows of a long list that are in view, with some around them. */
export type Rows = { first: number; last: number };

const AROUND = 6;

/** Of `count` rows of `rowHeight` pixels, those that a scrolled view shows. `last` is exclusive. */
export function visibleRows(count: number, rowHeight: number, scrollTop: number, viewHeight: number): Rows {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - AROUND);
  const last = Math.min(count, Math.ceil((scrollTop + viewHeight) / rowHeight) + AROUND);
  return { first: Math.min(first, last), last };
}

/** Where to scroll to, so that a row is in view: the same place where it is already. */
export function scrollTopFor(row: number, rowHeight: number, scrollTop: number, viewHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + viewHeight) return top + rowHeight - viewHeight;
  return scrollTop;
}
