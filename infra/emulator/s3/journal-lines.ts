import * as z from "zod";
import { CHECKSUM_ALGORITHMS } from "./checksums.ts";
import type { Change } from "./state.ts";

const Extents = z.array(
  z.looseObject({ blob: z.string().regex(/^[\w-]+$/), start: z.int().min(0), length: z.int().min(0) }),
);
const Texts = z.record(z.string(), z.string());
const Tags = z.array(z.looseObject({ key: z.string(), value: z.string() }));
const Attributes = z.looseObject({ headers: Texts, userMetadata: Texts, storageClass: z.string(), tags: Tags });

const Version = z.union([
  z.looseObject({
    kind: z.literal("object"),
    versionId: z.string(),
    sequencer: z.string().regex(/^[0-9A-F]+$/),
    lastModified: z.number(),
    size: z.int().min(0),
    etag: z.string(),
    attributes: Attributes,
    checksum: z.looseObject({ algorithm: z.enum(CHECKSUM_ALGORITHMS), type: z.string(), value: z.string() }),
    extents: Extents,
  }),
  z.looseObject({
    kind: z.literal("deleteMarker"),
    versionId: z.string(),
    sequencer: z.string().regex(/^[0-9A-F]+$/),
    lastModified: z.number(),
  }),
]);

const Part = z.looseObject({
  number: z.int().min(1),
  size: z.int().min(0),
  etag: z.string(),
  lastModified: z.number(),
  checksums: Texts,
  extents: Extents,
});

const Upload = z.looseObject({
  id: z.string(),
  key: z.string(),
  initiated: z.number(),
  attributes: Attributes,
  checksumType: z.string(),
});

const Rule = z.looseObject({
  origins: z.array(z.string()),
  methods: z.array(z.string()),
  headers: z.array(z.string()),
  exposed: z.array(z.string()),
});

const line = <T extends Change["type"], S extends z.ZodRawShape>(type: T, shape: S) =>
  z.looseObject({ ...shape, type: z.literal(type) });

const bucket = z.string();

const Line = z.discriminatedUnion("type", [
  line("SequencerReached", { sequencer: z.string().regex(/^[0-9A-F]+$/) }),
  line("BucketCreated", { bucket, region: z.string(), created: z.number() }),
  line("BucketDeleted", { bucket }),
  line("VersioningSet", { bucket, status: z.enum(["Enabled", "Suspended"]) }),
  line("NotificationSet", { bucket, eventBridge: z.boolean() }),
  line("CorsSet", { bucket, rules: z.array(Rule) }),
  line("VersionAdded", { bucket, key: z.string(), version: Version }),
  line("VersionRemoved", { bucket, key: z.string(), versionId: z.string() }),
  line("TagsSet", { bucket, key: z.string(), versionId: z.string(), tags: Tags }),
  line("UploadCreated", { bucket, upload: Upload }),
  line("PartUploaded", { bucket, uploadId: z.string(), part: Part }),
  line("UploadAborted", { bucket, uploadId: z.string() }),
]);

/**
 * A line of the journal, checked and unchanged: fields that another version added stay. Throws
 * `ZodError`.
 */
export function changeIn(parsed: unknown): Change {
  Line.parse(parsed);
  return parsed as Change;
}
