import { invalidArgument } from "./errors.ts";
import { type Exchange, isoDate, OWNER, quoted, replyXml } from "./exchange.ts";
import { commonPrefixes, listingQuery } from "./list-objects.ts";
import { commonPrefix, listPage, type PageItem, type Position, pageSize } from "./paging.ts";
import type { Bucket, Version } from "./state.ts";
import type { XmlField } from "./xml-writing.ts";

type Listed = { version: Version; isLatest: boolean };

function field(key: string, { version, isLatest }: Listed): XmlField {
  const identity: XmlField[] = [
    ["Key", key],
    ["VersionId", version.versionId],
    ["IsLatest", isLatest],
    ["LastModified", isoDate(version.lastModified)],
  ];
  if (version.kind === "deleteMarker") return ["DeleteMarker", [...identity, OWNER]];
  return [
    "Version",
    [
      ...identity,
      ["ETag", quoted(version.etag)],
      ["ChecksumAlgorithm", version.checksum.algorithm],
      ["ChecksumType", version.checksum.type],
      ["Size", version.size],
      OWNER,
      ["StorageClass", version.attributes.storageClass],
    ],
  ];
}

/** All versions of a key, newest first, or those after a marker. */
function versionsOf(bucket: Bucket, key: string, afterVersion: string | undefined): Listed[] {
  const all = (bucket.versions.get(key) ?? []).map((version, index) => ({ version, isLatest: index === 0 }));
  if (afterVersion === undefined) return all;
  return all.slice(all.findIndex(({ version }) => version.versionId === afterVersion) + 1);
}

function nextMarkers(last: PageItem<Listed> | undefined, encode: (name: string) => string): XmlField[] {
  if (last === undefined) return [];
  if (last.kind === "prefix") return [["NextKeyMarker", encode(last.prefix)]];
  return [
    ["NextKeyMarker", encode(last.key)],
    ["NextVersionIdMarker", last.item.version.versionId],
  ];
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
export function listObjectVersions(exchange: Exchange): void {
  const { query } = exchange;
  const bucket = exchange.store.bucket(exchange.bucket);
  const { prefix, delimiter, encodingType, encode } = listingQuery(exchange);
  const keyMarker = query.get("key-marker") ?? "";
  const versionMarker = query.get("version-id-marker") || undefined;
  if (versionMarker !== undefined && keyMarker === "") {
    throw invalidArgument(
      "version-id-marker",
      versionMarker,
      "A version-id marker cannot be specified without a key marker.",
    );
  }
  const size = pageSize("max-keys", query.get("max-keys"));
  const page = listPage(bucket.keys, {
    prefix,
    delimiter,
    size,
    from: keyMarker === "" ? undefined : positionAt(keyMarker, versionMarker, prefix, delimiter),
    itemsOf: (key) => versionsOf(bucket, key, key === keyMarker ? versionMarker : undefined),
  });
  replyXml(exchange, "ListVersionsResult", [
    ["Name", bucket.name],
    ["Prefix", encode(prefix)],
    ["KeyMarker", encode(keyMarker)],
    ["VersionIdMarker", versionMarker ?? ""],
    ...(page.isTruncated ? nextMarkers(page.items.at(-1), encode) : []),
    ["MaxKeys", size],
    ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
    ["EncodingType", encodingType],
    ["IsTruncated", page.isTruncated],
    ...page.items.flatMap((item) => (item.kind === "item" ? [field(encode(item.key), item.item)] : [])),
    ...commonPrefixes(page.items, encode),
  ]);
}

/**
 * Where a listing by two markers, key and id, continues: within the key if an id is given,
 * otherwise after it. A key marker that is a common prefix includes everything below it.
 */
export function positionAt(
  keyMarker: string,
  idMarker: string | undefined,
  prefix: string,
  delimiter: string,
): Position {
  if (idMarker !== undefined) return { atKey: keyMarker };
  return commonPrefix(keyMarker, prefix, delimiter) === keyMarker
    ? { afterPrefix: keyMarker }
    : { afterKey: keyMarker };
}
