import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { attributeHeaders, overriddenHeaders } from "./attributes.ts";
import { slice } from "./blobs.ts";
import { checksumHeader, checksumHeaders } from "./checksums.ts";
import { checkReadConditions, namesEtag } from "./conditions.ts";
import { invalidArgument, S3Error } from "./errors.ts";
import { type Exchange, type Headers, header, httpDate, quoted, versionHeader } from "./exchange.ts";
import { type ByteRange, contentRange, parseRange } from "./ranges.ts";
import type { ObjectVersion, StoredPart } from "./state.ts";
import { findObject } from "./versions.ts";

const ARCHIVED = ["GLACIER", "DEEP_ARCHIVE"];

/** The requested range of the object; without `range` all of it. */
type Selection = { range?: ByteRange; headers: Headers };

function selectPart(exchange: Exchange, object: ObjectVersion, text: string): Selection {
  if (header(exchange, "range") !== undefined) {
    throw new S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  }
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 10_000) {
    throw invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive");
  }
  const { size, checksum } = object;
  const parts: StoredPart[] = object.parts ?? [{ size }];
  const part = parts[number - 1];
  if (part === undefined) throw new S3Error("InvalidPartNumber", "The requested partnumber is not satisfiable");
  const start = parts.slice(0, number - 1).reduce((sum, before) => sum + before.size, 0);
  const headers: Headers = {};
  if (object.parts !== undefined) headers["x-amz-mp-parts-count"] = String(parts.length);
  if (checksum.type === "COMPOSITE" && part.checksum !== undefined) {
    headers[checksumHeader(checksum.algorithm)] = part.checksum;
    headers["x-amz-checksum-type"] = checksum.type;
  }
  return { range: { start, length: part.size }, headers };
}

function select(exchange: Exchange, object: ObjectVersion): Selection {
  const part = exchange.query.get("partNumber");
  if (part !== undefined) return selectPart(exchange, object, part);
  const whole = { headers: checksumHeaders(object.checksum) };
  const requested = header(exchange, "range");
  if (requested === undefined) return whole;
  const ifRange = header(exchange, "if-range");
  if (ifRange !== undefined && !namesEtag(ifRange, object.etag) && !(Date.parse(ifRange) >= object.lastModified)) {
    return whole;
  }
  const range = parseRange(requested, object.size);
  return range === undefined ? whole : { range, headers: {} };
}

function headersFor(exchange: Exchange, object: ObjectVersion, { range, headers }: Selection): Headers {
  const withChecksum = header(exchange, "x-amz-checksum-mode")?.toUpperCase() === "ENABLED";
  const shown = Object.entries(headers).filter(([name]) => withChecksum || !name.startsWith("x-amz-checksum"));
  return {
    ...attributeHeaders(object.attributes),
    ...overriddenHeaders(exchange),
    ...Object.fromEntries(shown),
    "accept-ranges": "bytes",
    etag: quoted(object.etag),
    "last-modified": httpDate(object.lastModified),
    "content-length": String(range?.length ?? object.size),
    ...(range !== undefined && { "content-range": contentRange(range, object.size) }),
    ...versionHeader(exchange, object.versionId),
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export async function getObject(exchange: Exchange): Promise<void> {
  const { response, store } = exchange;
  const object = findObject(exchange);
  checkReadConditions(exchange, object);
  if (ARCHIVED.includes(object.attributes.storageClass)) {
    throw new S3Error("InvalidObjectState", "The operation is not valid for the object's storage class", {
      details: [["StorageClass", object.attributes.storageClass]],
    });
  }
  const selection = select(exchange, object);
  const { start, length } = selection.range ?? { start: 0, length: object.size };
  const extents = slice(object.extents, start, length);
  store.blobs.hold(extents);
  try {
    response.writeHead(selection.range === undefined ? 200 : 206, headersFor(exchange, object, selection));
    await pipeline(Readable.from(store.blobs.read(extents), { objectMode: false }), response);
  } finally {
    store.blobs.release(extents);
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export function headObject(exchange: Exchange): void {
  const object = findObject(exchange);
  checkReadConditions(exchange, object);
  const selection = select(exchange, object);
  exchange.response.writeHead(selection.range === undefined ? 200 : 206, headersFor(exchange, object, selection));
  exchange.response.end();
}
