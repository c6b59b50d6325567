import * as z from "zod";
import { Rejection, SegmentCreated, VideoRejected, VideoSplit } from "#events-schema";
import type { VideoDocument } from "../projector/domain/document.ts";

/**
 * The documents as items of the table. Their fields are the events' own, so their schemas are too.
 */

const creation_time = z.iso.datetime();

const upload = {
  process_step: z.literal("upload"),
  creation_time,
  ...VideoRejected.omit({ rejection: true }).shape,
};
const videoProperties = VideoSplit.pick({ size: true, fps: true, duration: true, audio: true });

const ProcessingUpload = z.object({ ...upload, ...videoProperties.shape, status: z.literal("processing") });
const RejectedUpload = z.object({
  ...upload,
  ...videoProperties.partial().shape,
  status: z.literal("rejected"),
  rejection: Rejection,
  rejected_at: creation_time,
});
const SplitUpload = z.object({
  ...upload,
  ...videoProperties.shape,
  status: z.literal("split"),
  ...VideoSplit.pick({ frames: true, proof: true, truncated: true, last_readable_time: true, undecodable: true }).shape,
  sub_videos: z.array(z.int().positive()),
});
const Segment = SegmentCreated.omit({
  video_codec: true,
  audio_codecs: true,
  requested_start: true,
  requested_end: true,
}).extend({ process_step: z.literal("timesplit"), creation_time });

const Document: z.ZodType<VideoDocument> = z.discriminatedUnion("process_step", [
  z.discriminatedUnion("status", [ProcessingUpload, RejectedUpload, SplitUpload]),
  Segment,
]);

const namesOf = (...schemas: z.ZodObject[]): string[] => {
  const names = new Set(schemas.flatMap((schema) => Object.keys(schema.shape)));
  names.delete("VideoId");
  return [...names];
};

/**
 * The attributes, without the key, that this service writes, by the kind of document. All others
 * belong to other writers.
 */
export const OWNED_ATTRIBUTES: Record<VideoDocument["process_step"], readonly string[]> = {
  upload: namesOf(ProcessingUpload, RejectedUpload, SplitUpload),
  timesplit: namesOf(Segment),
};

/**
 * An item has a document's `process_step`, and isn't a document. `message` names each wrong
 * attribute.
 */
export class UnreadableDocumentError extends Error {
  override name = "UnreadableDocumentError";
}

/** An item's attributes. */
export type Item = Readonly<Record<string, unknown>>;

/**
 * The document in an item, without what others have added; undefined where the item has no
 * `process_step`, which means that others have written to it before the first event. Throws
 * `UnreadableDocumentError`.
 */
export function documentOf(item: Item | undefined): VideoDocument | undefined {
  if (item?.process_step === undefined) return undefined;
  const parsed = Document.safeParse(item);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new UnreadableDocumentError(`Document ${item.VideoId} can't be read: ${faults.join("; ")}`, {
    cause: parsed.error,
  });
}
