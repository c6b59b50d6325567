import { refuseLongKey } from "./address.ts";
import { encryptionHeaders, headerValue, makeAttributes, refuseAcl } from "./attributes.ts";
import { checksumHeaders, DEFAULT_ALGORITHM } from "./checksums.ts";
import { invalidArgument, S3Error } from "./errors.ts";
import { type Exchange, header, quoted, replyEmpty, replyText, versionHeader } from "./exchange.ts";
import { FormReader, isForm } from "./form-data.ts";
import { PayloadCheck } from "./payload-check.ts";
import { checkPostPolicy, type LengthRange } from "./post-policy.ts";
import { storePayload } from "./put-object.ts";
import { chunksOf, entityTooLarge, limited, MAX_PUT_BYTES, type Payload } from "./request-body.ts";
import type { Attributes, ObjectVersion } from "./state.ts";
import { parseTagging } from "./tagging.ts";
import { xmlDocument } from "./xml-writing.ts";

const META = "x-amz-meta-";

function keyOf(fields: ReadonlyMap<string, string>, filename: string): string {
  const key = fields.get("key")?.replace(/\$\{filename\}/g, () => filename) ?? "";
  if (key === "")
    throw invalidArgument(
      "key",
      "",
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    );
  refuseLongKey(key);
  return key;
}

/** Names that a header may have: RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/**
 * Unlike headers, a form's fields may contain anything. Throws `InvalidArgument` for what a header
 * couldn't.
 */
function attributesOfForm(fields: ReadonlyMap<string, string>, type: string | undefined): Attributes {
  refuseAcl(fields.get("acl") ?? "private");
  const metadata = new Map<string, string>();
  for (const [name, value] of fields) {
    if (!name.startsWith(META)) continue;
    if (!TOKEN.test(name)) throw invalidArgument(name, value, "Metadata name cannot be the name of a header.");
    metadata.set(name.slice(META.length), value);
  }
  const tagging = fields.get("tagging");
  const stated = (name: string): string | undefined => {
    const value = fields.get(name) ?? (name === "content-type" ? type : undefined);
    return value === undefined ? undefined : headerValue(name, value);
  };
  return makeAttributes(stated, Object.fromEntries(metadata), tagging === undefined ? [] : parseTagging(tagging));
}

async function receiveFile(
  exchange: Exchange,
  form: FormReader,
  fields: ReadonlyMap<string, string>,
  range: LengthRange | undefined,
): Promise<Payload> {
  const { blobs } = exchange.store;
  const check = new PayloadCheck(Object.fromEntries(fields), (declared) => [declared ?? DEFAULT_ALGORITHM]);
  const max = Math.min(range?.max ?? MAX_PUT_BYTES, MAX_PUT_BYTES);
  const extents = await blobs.write(
    limited(form.readFile(), max, () => entityTooLarge(max)),
    (chunk) => check.update(chunk),
  );
  try {
    const digests = check.finish(new Map());
    if (digests.size < (range?.min ?? 0)) {
      throw new S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
    }
    return { ...digests, extents };
  } catch (error) {
    blobs.release(extents);
    throw error;
  }
}

/** The page that the form redirects to, if it is a valid URL. */
function redirectOf(
  fields: ReadonlyMap<string, string>,
  { bucket }: Exchange,
  key: string,
  etag: string,
): string | undefined {
  const target = fields.get("success_action_redirect") ?? fields.get("redirect") ?? "";
  if (!/^https?:/i.test(target) || !URL.canParse(target)) return undefined;
  const url = new URL(target);
  for (const [name, value] of Object.entries({ bucket, key, etag: quoted(etag) })) url.searchParams.append(name, value);
  return url.href;
}

function replyToForm(
  exchange: Exchange,
  fields: ReadonlyMap<string, string>,
  key: string,
  version: ObjectVersion,
): void {
  const { bucket } = exchange;
  const location = `http://${header(exchange, "host") ?? "localhost"}/${bucket}/${encodeURIComponent(key)}`;
  const etag = quoted(version.etag);
  const headers = {
    etag,
    location,
    ...checksumHeaders(version.checksum),
    ...encryptionHeaders(version.attributes),
    ...versionHeader(exchange, version.versionId),
  };
  const redirect = redirectOf(fields, exchange, key, version.etag);
  const status = fields.get("success_action_status");
  if (redirect !== undefined) replyEmpty(exchange, 303, { ...headers, location: redirect });
  else if (status === "200") replyEmpty(exchange, 200, headers);
  else if (status === "201") {
    const document = xmlDocument(
      "PostResponse",
      [
        ["Location", location],
        ["Bucket", bucket],
        ["Key", key],
        ["ETag", etag],
      ],
      false,
    );
    replyText(exchange, 201, document, headers);
  } else replyEmpty(exchange, 204, headers);
}

/**
 * An upload by a browser's form:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export async function postObject(exchange: Exchange): Promise<void> {
  const { store, bucket } = exchange;
  if (!isForm(exchange)) {
    throw new S3Error("PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data");
  }
  store.bucket(bucket);
  const form = new FormReader(chunksOf(exchange.request), header(exchange, "content-type") ?? "");
  const { fields, file } = await form.readFields();
  const key = keyOf(fields, file.name);
  const range = checkPostPolicy(new Map([...fields, ["bucket", bucket], ["key", key]]), Date.now());
  const attributes = attributesOfForm(fields, file.type);
  const payload = await receiveFile(exchange, form, fields, range);
  try {
    const version = storePayload(exchange, key, payload, attributes);
    await exchange.announce(version, "POST Object", key);
    replyToForm(exchange, fields, key, version);
  } finally {
    store.blobs.release(payload.extents);
  }
}
