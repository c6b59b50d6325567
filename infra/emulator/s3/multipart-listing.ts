import { checksumElement } from "./checksums.ts";
import { invalidArgument } from "./errors.ts";
import { type Exchange, isoDate, OWNER, quoted, replyXml } from "./exchange.ts";
import { OrderedKeys } from "./key-order.ts";
import { commonPrefixes, listingQuery } from "./list-objects.ts";
import { positionAt } from "./list-versions.ts";
import { uploadIdOf } from "./multipart-upload.ts";
import { listPage, type PageItem, pageSize } from "./paging.ts";
import type { OpenUpload, Part } from "./state.ts";
import type { XmlField } from "./xml-writing.ts";

const INITIATOR: XmlField = ["Initiator", OWNER[1]];

function partField(upload: OpenUpload, part: Part): XmlField {
  const { algorithm } = upload;
  return [
    "Part",
    [
      ["PartNumber", part.number],
      ["LastModified", isoDate(part.lastModified)],
      ["ETag", quoted(part.etag)],
      ["Size", part.size],
      ...(algorithm === undefined ? [] : [[checksumElement(algorithm), part.checksums[algorithm]] as const]),
    ],
  ];
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export function listParts(exchange: Exchange): void {
  const { store, bucket, key, query } = exchange;
  const upload = store.upload(bucket, key, uploadIdOf(exchange));
  const marker = query.get("part-number-marker") || "0";
  if (!/^\d{1,9}$/.test(marker)) {
    throw invalidArgument("part-number-marker", marker, "Argument part-number-marker must be an integer");
  }
  const size = pageSize("max-parts", query.get("max-parts"));
  const after = [...upload.parts.values()]
    .filter((part) => part.number > Number(marker))
    .sort((left, right) => left.number - right.number);
  const shown = after.slice(0, size);
  replyXml(exchange, "ListPartsResult", [
    ["Bucket", bucket],
    ["Key", key],
    ["UploadId", upload.id],
    INITIATOR,
    OWNER,
    ["StorageClass", upload.attributes.storageClass],
    ["PartNumberMarker", marker],
    ["NextPartNumberMarker", shown.at(-1)?.number ?? 0],
    ["MaxParts", size],
    ["IsTruncated", after.length > shown.length],
    ["ChecksumAlgorithm", upload.algorithm],
    ["ChecksumType", upload.algorithm && upload.checksumType],
    ...shown.map((part) => partField(upload, part)),
  ]);
}

function uploadField(key: string, upload: OpenUpload): XmlField {
  return [
    "Upload",
    [
      ["UploadId", upload.id],
      ["Key", key],
      ["Initiated", isoDate(upload.initiated)],
      ["StorageClass", upload.attributes.storageClass],
      OWNER,
      INITIATOR,
      ["ChecksumAlgorithm", upload.algorithm],
      ["ChecksumType", upload.algorithm && upload.checksumType],
    ],
  ];
}

/** By key, and in the order in which they began. */
function byKey(uploads: Iterable<OpenUpload>): { keys: OrderedKeys; ofKey: Map<string, OpenUpload[]> } {
  const keys = new OrderedKeys();
  const ofKey = new Map<string, OpenUpload[]>();
  for (const upload of uploads) {
    keys.add(upload.key);
    ofKey.set(upload.key, [...(ofKey.get(upload.key) ?? []), upload]);
  }
  return { keys, ofKey };
}

function nextMarkers(last: PageItem<OpenUpload> | undefined, encode: (name: string) => string): XmlField[] {
  if (last === undefined) return [];
  if (last.kind === "prefix") return [["NextKeyMarker", encode(last.prefix)]];
  return [
    ["NextKeyMarker", encode(last.key)],
    ["NextUploadIdMarker", last.item.id],
  ];
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export function listMultipartUploads(exchange: Exchange): void {
  const { query } = exchange;
  const bucket = exchange.store.bucket(exchange.bucket);
  const { prefix, delimiter, encodingType, encode } = listingQuery(exchange);
  const keyMarker = query.get("key-marker") ?? "";
  // Without a key marker this one is ignored, as the API reference says.
  const idMarker = keyMarker === "" ? undefined : query.get("upload-id-marker") || undefined;
  const size = pageSize("max-uploads", query.get("max-uploads"));
  const { keys, ofKey } = byKey(bucket.uploads.values());
  const page = listPage(keys, {
    prefix,
    delimiter,
    size,
    from: keyMarker === "" ? undefined : positionAt(keyMarker, idMarker, prefix, delimiter),
    itemsOf: (key) => {
      const uploads = ofKey.get(key) ?? [];
      if (key !== keyMarker || idMarker === undefined) return uploads;
      return uploads.slice(uploads.findIndex(({ id }) => id === idMarker) + 1);
    },
  });
  replyXml(exchange, "ListMultipartUploadsResult", [
    ["Bucket", bucket.name],
    ["KeyMarker", encode(keyMarker)],
    ["UploadIdMarker", idMarker ?? ""],
    ...(page.isTruncated ? nextMarkers(page.items.at(-1), encode) : []),
    ["Prefix", encode(prefix)],
    ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
    ["EncodingType", encodingType],
    ["MaxUploads", size],
    ["IsTruncated", page.isTruncated],
    ...page.items.flatMap((item) => (item.kind === "item" ? [uploadField(encode(item.key), item.item)] : [])),
    ...commonPrefixes(page.items, encode),
  ]);
}
