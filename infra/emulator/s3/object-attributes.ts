import { checksumElement } from "./checksums.ts";
import { invalidArgument } from "./errors.ts";
import { type Exchange, header, httpDate, replyXml, versionHeader } from "./exchange.ts";
import { pageSize } from "./paging.ts";
import type { ObjectVersion } from "./state.ts";
import { findObject } from "./versions.ts";
import type { XmlField } from "./xml-writing.ts";

const KNOWN = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

function partsField(exchange: Exchange, { parts, checksum }: ObjectVersion): XmlField[] {
  if (parts === undefined) return [];
  const total: XmlField = ["PartsCount", parts.length];
  if (checksum.type !== "COMPOSITE") return [["ObjectParts", [total]]];
  const max = pageSize("x-amz-max-parts", header(exchange, "x-amz-max-parts"));
  const marker = Number(header(exchange, "x-amz-part-number-marker") ?? 0);
  const after = parts.map((part, index) => ({ ...part, number: index + 1 })).filter((part) => part.number > marker);
  const shown = after.slice(0, max);
  return [
    [
      "ObjectParts",
      [
        total,
        ["PartNumberMarker", marker],
        ["NextPartNumberMarker", shown.at(-1)?.number ?? 0],
        ["MaxParts", max],
        ["IsTruncated", after.length > shown.length],
        ...shown.map(
          (part): XmlField => [
            "Part",
            [
              ["PartNumber", part.number],
              ["Size", part.size],
              [checksumElement(checksum.algorithm), part.checksum],
            ],
          ],
        ),
      ],
    ],
  ];
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export function getObjectAttributes(exchange: Exchange): void {
  const object = findObject(exchange);
  const text = header(exchange, "x-amz-object-attributes") ?? "";
  const requested = text.split(",").map((name) => name.trim());
  if (!requested.every((name) => KNOWN.includes(name))) {
    throw invalidArgument("x-amz-object-attributes", text, "Invalid attribute name specified.");
  }
  const { checksum } = object;
  const fields: Record<string, XmlField[]> = {
    ETag: [["ETag", object.etag]],
    Checksum: [
      [
        "Checksum",
        [
          [checksumElement(checksum.algorithm), checksum.value.replace(/-\d+$/, "")],
          ["ChecksumType", checksum.type],
        ],
      ],
    ],
    ObjectParts: partsField(exchange, object),
    StorageClass: [["StorageClass", object.attributes.storageClass]],
    ObjectSize: [["ObjectSize", object.size]],
  };
  replyXml(
    exchange,
    "GetObjectAttributesResponse",
    KNOWN.filter((name) => requested.includes(name)).flatMap((name) => fields[name]!),
    { "last-modified": httpDate(object.lastModified), ...versionHeader(exchange, object.versionId) },
  );
}
