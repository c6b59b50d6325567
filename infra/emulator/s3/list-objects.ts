import { invalidArgument } from "./errors.ts";
import { type Exchange, isoDate, OWNER, quoted, replyXml } from "./exchange.ts";
import { commonPrefix, listPage, type Page, type PageItem, type Position, pageSize } from "./paging.ts";
import type { Bucket, ObjectVersion } from "./state.ts";
import type { XmlField } from "./xml-writing.ts";

/** Parameters of every listing of a bucket. `encode` is applied to names in the response. */
export type ListingQuery = {
  prefix: string;
  delimiter: string;
  encodingType: string | undefined;
  encode(name: string): string;
};

/** Throws `InvalidArgument`. */
export function listingQuery({ query }: Exchange): ListingQuery {
  const encodingType = query.get("encoding-type") || undefined;
  if (encodingType !== undefined && encodingType !== "url") {
    throw invalidArgument("encoding-type", encodingType, "Invalid Encoding Method specified in Request");
  }
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    encodingType,
    // XML 1.0 can't contain every character of a key; slashes aren't encoded.
    encode: (name) => (encodingType === "url" ? encodeURIComponent(name).replaceAll("%2F", "/") : name),
  };
}

/** The last elements of every listing. */
export const commonPrefixes = (items: readonly PageItem<unknown>[], encode: (name: string) => string): XmlField[] =>
  items.flatMap((item) =>
    item.kind === "prefix" ? [["CommonPrefixes", [["Prefix", encode(item.prefix)]]] satisfies XmlField] : [],
  );

const newestObject = (bucket: Bucket, key: string): ObjectVersion[] => {
  const newest = bucket.versions.get(key)?.[0];
  return newest?.kind === "object" ? [newest] : [];
};

function contents(key: string, object: ObjectVersion, withOwner: boolean): XmlField {
  return [
    "Contents",
    [
      ["Key", key],
      ["LastModified", isoDate(object.lastModified)],
      ["ETag", quoted(object.etag)],
      ["ChecksumAlgorithm", object.checksum.algorithm],
      ["ChecksumType", object.checksum.type],
      ["Size", object.size],
      ...(withOwner ? [OWNER] : []),
      ["StorageClass", object.attributes.storageClass],
    ],
  ];
}

function itemFields({ items }: Page<ObjectVersion>, encode: (name: string) => string, withOwner: boolean): XmlField[] {
  const objects = items.flatMap((item) =>
    item.kind === "item" ? [contents(encode(item.key), item.item, withOwner)] : [],
  );
  return [...objects, ...commonPrefixes(items, encode)];
}

const lastName = (item: PageItem<unknown>): string => (item.kind === "item" ? item.key : item.prefix);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export function listObjects(exchange: Exchange): void {
  const bucket = exchange.store.bucket(exchange.bucket);
  const { prefix, delimiter, encodingType, encode } = listingQuery(exchange);
  const marker = exchange.query.get("marker") ?? "";
  const size = pageSize("max-keys", exchange.query.get("max-keys"));
  // A NextMarker that is a common prefix includes everything below it.
  const isPrefix = marker !== "" && marker.startsWith(prefix) && commonPrefix(marker, prefix, delimiter) === marker;
  const from: Position = isPrefix ? { afterPrefix: marker } : { afterKey: marker };
  const page = listPage(bucket.keys, {
    prefix,
    delimiter,
    size,
    from: marker === "" ? undefined : from,
    itemsOf: (key) => newestObject(bucket, key),
  });
  const last = page.items.at(-1);
  const next = page.isTruncated && delimiter !== "" && last !== undefined ? encode(lastName(last)) : undefined;
  replyXml(exchange, "ListBucketResult", [
    ["Name", bucket.name],
    ["Prefix", encode(prefix)],
    ["Marker", encode(marker)],
    ["NextMarker", next],
    ["MaxKeys", size],
    ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
    ["EncodingType", encodingType],
    ["IsTruncated", page.isTruncated],
    ...itemFields(page, encode, true),
  ]);
}

const TOKEN_KINDS: ReadonlyMap<string, (name: string) => Position> = new Map(
  Object.entries<(name: string) => Position>({
    k: (afterKey) => ({ afterKey }),
    p: (afterPrefix) => ({ afterPrefix }),
  }),
);

const continuationToken = (item: PageItem<unknown>): string =>
  Buffer.from((item.kind === "item" ? "k" : "p") + lastName(item)).toString("base64");

function positionOf(token: string): Position {
  const text = Buffer.from(token, "base64").toString("utf8");
  const kind = TOKEN_KINDS.get(text.charAt(0));
  if (kind === undefined || Buffer.from(text).toString("base64") !== token) {
    throw invalidArgument("continuation-token", token, "The continuation token provided is incorrect");
  }
  return kind(text.slice(1));
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjectsV2(exchange: Exchange): void {
  const { query } = exchange;
  const bucket = exchange.store.bucket(exchange.bucket);
  const { prefix, delimiter, encodingType, encode } = listingQuery(exchange);
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after") ?? "";
  const size = pageSize("max-keys", query.get("max-keys"));
  const fromStart: Position = startAfter === "" ? undefined : { afterKey: startAfter };
  const page = listPage(bucket.keys, {
    prefix,
    delimiter,
    size,
    from: token === undefined ? fromStart : positionOf(token),
    itemsOf: (key) => newestObject(bucket, key),
  });
  const last = page.items.at(-1);
  replyXml(exchange, "ListBucketResult", [
    ["Name", bucket.name],
    ["Prefix", encode(prefix)],
    ["StartAfter", startAfter === "" ? undefined : encode(startAfter)],
    ["ContinuationToken", token],
    ["NextContinuationToken", page.isTruncated && last !== undefined ? continuationToken(last) : undefined],
    ["KeyCount", page.items.length],
    ["MaxKeys", size],
    ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
    ["EncodingType", encodingType],
    ["IsTruncated", page.isTruncated],
    ...itemFields(page, encode, query.get("fetch-owner") === "true"),
  ]);
}
