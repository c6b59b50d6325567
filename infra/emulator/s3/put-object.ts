import { attributesOf, encryptionHeaders } from "./attributes.ts";
import { checksumHeaders, DEFAULT_ALGORITHM } from "./checksums.ts";
import { writeConditions } from "./conditions.ts";
import { type Exchange, quoted, replyEmpty, versionHeader } from "./exchange.ts";
import { type Payload, receivePayload } from "./request-body.ts";
import type { Attributes, ObjectVersion } from "./state.ts";
import type { Precondition } from "./store.ts";

/** Makes an object of a received payload, by PUT or by a form. */
export function storePayload(
  { store, bucket }: Exchange,
  key: string,
  payload: Payload,
  attributes: Attributes,
  check?: Precondition,
): ObjectVersion {
  const algorithm = payload.declared ?? DEFAULT_ALGORITHM;
  const content = {
    size: payload.size,
    etag: payload.md5.toString("hex"),
    attributes,
    checksum: { algorithm, type: "FULL_OBJECT", value: payload.checksums.get(algorithm)! },
    extents: payload.extents,
  } as const;
  return store.addObject(bucket, key, content, check);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export async function putObject(exchange: Exchange): Promise<void> {
  const { store, bucket, key } = exchange;
  const attributes = attributesOf(exchange);
  const check = writeConditions(exchange);
  // Once now, before gigabytes are sent, and once when the object is added.
  check(store.bucket(bucket).versions.get(key)?.[0]);
  const payload = await receivePayload(exchange, (declared) => [declared ?? DEFAULT_ALGORITHM]);
  try {
    const version = storePayload(exchange, key, payload, attributes, check);
    await exchange.announce(version, "PutObject");
    replyEmpty(exchange, 200, {
      etag: quoted(version.etag),
      ...checksumHeaders(version.checksum),
      ...encryptionHeaders(attributes),
      ...versionHeader(exchange, version.versionId),
    });
  } finally {
    store.blobs.release(payload.extents);
  }
}
