import { S3Error } from "./errors.ts";
import { type Exchange, replyEmpty, replyXml, versionHeader } from "./exchange.ts";
import { receiveDocument } from "./request-body.ts";
import type { Tag } from "./state.ts";
import { findObject } from "./versions.ts";
import { childrenNamed, childText, parseRoot, type XmlElement } from "./xml-reading.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const MAX_TAGS = 10;
const MAX_TAG_KEY = 128;
const MAX_TAG_VALUE = 256;

/** Throws `InvalidTag`. */
function checkTags(tags: Tag[]): Tag[] {
  if (tags.length > MAX_TAGS) throw new S3Error("InvalidTag", "Object tags cannot be greater than 10");
  if (new Set(tags.map((tag) => tag.key)).size < tags.length) {
    throw new S3Error("InvalidTag", "Cannot provide multiple Tags with the same key");
  }
  for (const { key, value } of tags) {
    if (key === "" || key.length > MAX_TAG_KEY) {
      throw new S3Error("InvalidTag", "The TagKey you have provided is invalid");
    }
    if (value.length > MAX_TAG_VALUE) {
      throw new S3Error("InvalidTag", "The TagValue you have provided is invalid");
    }
  }
  return tags;
}

/** Tags as in `x-amz-tagging`: URL query parameters. Throws `InvalidTag`. */
export const parseTagHeader = (text: string): Tag[] =>
  checkTags([...new URLSearchParams(text)].map(([key, value]) => ({ key, value })));

/** Tags of a `Tagging` document. Throws `MalformedXML` and `InvalidTag`. */
export function parseTagging(document: string): Tag[] {
  const sets = childrenNamed(parseRoot(document, "Tagging"), "TagSet");
  const tags = sets.flatMap((set: XmlElement) => childrenNamed(set, "Tag"));
  return checkTags(tags.map((tag) => ({ key: childText(tag, "Key") ?? "", value: childText(tag, "Value") ?? "" })));
}

export function getObjectTagging(exchange: Exchange): void {
  const { versionId, attributes } = findObject(exchange);
  const tags = attributes.tags.map(
    ({ key, value }) =>
      [
        "Tag",
        [
          ["Key", key],
          ["Value", value],
        ],
      ] as const,
  );
  replyXml(exchange, "Tagging", [["TagSet", tags]], versionHeader(exchange, versionId));
}

export async function putObjectTagging(exchange: Exchange): Promise<void> {
  const tags = parseTagging(await receiveDocument(exchange));
  const { versionId } = findObject(exchange);
  exchange.store.setTags(exchange.bucket, exchange.key, versionId, tags);
  replyEmpty(exchange, 200, versionHeader(exchange, versionId));
}

export function deleteObjectTagging(exchange: Exchange): void {
  const { versionId } = findObject(exchange);
  exchange.store.setTags(exchange.bucket, exchange.key, versionId, []);
  replyEmpty(exchange, 204, versionHeader(exchange, versionId));
}
