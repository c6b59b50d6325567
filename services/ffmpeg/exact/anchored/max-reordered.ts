/**
 * The most pictures that precede a picture in decode order and follow it in presentation order:
 * max_num_reorder_frames, ITU-T H.264, section E.2.1. `ranks`: in decode order; ranks that are
 * missing count as pictures that never come.
 */
export function maxReordered(ranks: readonly number[]): number {
  const sorted = ranks.toSorted((one, other) => one - other);
  /** Decoded pictures that wait for one before them. */
  const waiting = new Set<number>();
  let shown = 0;
  let most = 0;
  for (const rank of ranks) {
    let later = 0;
    for (const other of waiting) if (other > rank) later += 1;
    most = Math.max(most, later);
    waiting.add(rank);
    for (let next = sorted[shown]; next !== undefined && waiting.delete(next); next = sorted[shown]) shown += 1;
  }
  return most;
}
