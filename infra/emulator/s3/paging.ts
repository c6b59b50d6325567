import { invalidArgument } from "./errors.ts";
import type { OrderedKeys } from "./key-order.ts";

/** S3's largest page. */
const MAX_PAGE = 1000;

/**
 * Maximum number of items of a page: what the client requests, at most 1,000. Throws
 * `InvalidArgument`.
 */
export function pageSize(name: string, text: string | undefined): number {
  if (text === undefined || text === "") return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text)) {
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  }
  return Math.min(Number(text), MAX_PAGE);
}

/** Where a page begins: at a key, after it, or after all keys that start with a common prefix. */
export type Position = { atKey: string } | { afterKey: string } | { afterPrefix: string } | undefined;

export type PageItem<Item> = { kind: "item"; key: string; item: Item } | { kind: "prefix"; prefix: string };

export type Page<Item> = { items: PageItem<Item>[]; isTruncated: boolean };

export type PageQuery<Item> = {
  prefix: string;
  delimiter: string;
  size: number;
  from: Position;
  /** What is listed of a key; nothing for a key that is not listed. */
  itemsOf(key: string): readonly Item[];
};

/** The common prefix that a key is rolled up into, if any. */
export function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function firstIndex(keys: OrderedKeys, prefix: string, from: Position): number {
  const start = keys.from(prefix);
  if (from === undefined) return start;
  if ("atKey" in from) return Math.max(start, keys.from(from.atKey));
  return Math.max(start, "afterKey" in from ? keys.after(from.afterKey) : keys.afterPrefix(from.afterPrefix));
}

/**
 * One page of keys and common prefixes in order. Keys below a common prefix are skipped, not
 * visited.
 */
export function listPage<Item>(keys: OrderedKeys, query: PageQuery<Item>): Page<Item> {
  const { prefix, delimiter, size } = query;
  const items: PageItem<Item>[] = [];
  if (size === 0) return { items, isTruncated: false };
  let index = firstIndex(keys, prefix, query.from);
  for (let key = keys.at(index); key?.startsWith(prefix); key = keys.at(index)) {
    const ofKey = query.itemsOf(key);
    const rolledUp = ofKey.length === 0 ? undefined : commonPrefix(key, prefix, delimiter);
    const found: PageItem<Item>[] =
      rolledUp === undefined
        ? ofKey.map((item) => ({ kind: "item", key, item }))
        : [{ kind: "prefix", prefix: rolledUp }];
    if (items.length + found.length > size) {
      items.push(...found.slice(0, size - items.length));
      return { items, isTruncated: true };
    }
    items.push(...found);
    index = rolledUp === undefined ? index + 1 : keys.afterPrefix(rolledUp);
  }
  return { items, isTruncated: false };
}
