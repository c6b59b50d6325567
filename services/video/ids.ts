import { BLOCK_SIZE, eventId, type Hash, uuidOf, type VideoSplitEvent } from "#events-schema";

export { eventId, type Hash, uuidOf };

/**
 * Bits of a block's number. With the 14 bits of a block's ids they make the 53 of a safe integer.
 */
const BLOCK_BITS = 39n;

/** With 2^39 blocks, two collisions in a row indicate another error. */
export const MAX_SALTS = 64;

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A short text for one of any length. */
export const fingerprint = (text: string, hash: Hash): string => hex(hash(text));

/** The id that all events of one upload carry. `identity` is its `sourceIdentity`. */
export const correlationId = (identity: string, hash: Hash): string => uuidOf(JSON.stringify([identity]), hash);

/**
 * The first id of a block for an upload, by salt: a positive safe integer, a multiple of
 * BLOCK_SIZE. Salt 0 is tried first; a block that another upload has claimed means the next salt.
 * It's computed from the correlation id, so that an event without its upload's name can be checked
 * too.
 */
export function blockOf(correlation: string, salt: number, hash: Hash): number {
  const digest = hash(JSON.stringify([correlation, salt]));
  const first64 = new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0);
  const block = first64 >> (64n - BLOCK_BITS);
  // Block 0 isn't used: its first id, 0, isn't positive.
  return Number(block === 0n ? 1n : block) * BLOCK_SIZE;
}

/** `blockOf` for the identity of a source. */
export const blockStart = (identity: string, salt: number, hash: Hash): number =>
  blockOf(correlationId(identity, hash), salt, hash);

/** An event about the split of an upload. */
export type UploadEvent = Pick<
  VideoSplitEvent<
    "SplitPlanned" | "SegmentCreated" | "PosterCreated" | "SegmentRangeRequested" | "VideoSplit" | "VideoRejected"
  >,
  "type" | "data"
>;

function distinctionOf({ data }: UploadEvent): string | number {
  if ("segment_index" in data) return data.segment_index;
  if ("first_segment" in data) return `${data.first_segment} ${data.last_segment} ${data.invocation}`;
  // Two rejections for one reason differ only in their messages.
  if ("rejection" in data) return data.rejection.reason;
  // After a rejection, another way of cutting may be planned.
  return `${data.cut} ${data.segment_seconds}`;
}

/** The id of an event about an upload: a rejection with another reason is another event. */
export const uploadEventId = (correlation: string, event: UploadEvent, hash: Hash): string =>
  eventId(correlation, event.type, distinctionOf(event), hash);
