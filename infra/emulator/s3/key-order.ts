/**
 * S3 lists keys in the order of their UTF-8 bytes; UTF-16 puts surrogate pairs before U+E000, so
 * they are moved up.
 */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Negative, zero or positive: the order of the UTF-8 encodings. */
export function compareKeys(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const difference = rank(left.charCodeAt(at)) - rank(right.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** A bucket's keys in listing order. Finding is a binary search; adding moves the keys after it. */
export class OrderedKeys {
  readonly #keys: string[] = [];

  at(index: number): string | undefined {
    return this.#keys[index];
  }

  /** Index of the first key that is not before `key`. */
  from(key: string): number {
    return this.#first((candidate) => compareKeys(candidate, key) >= 0);
  }

  /** Index of the first key after `key`. */
  after(key: string): number {
    return this.#first((candidate) => compareKeys(candidate, key) > 0);
  }

  /** Index of the first key after all that start with `prefix`. */
  afterPrefix(prefix: string): number {
    return this.#first((candidate) => !candidate.startsWith(prefix) && compareKeys(candidate, prefix) > 0);
  }

  add(key: string): void {
    const index = this.from(key);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  delete(key: string): void {
    const index = this.from(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }

  /** `isLater` must be false up to some key and true from there on. */
  #first(isLater: (key: string) => boolean): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isLater(this.#keys[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
