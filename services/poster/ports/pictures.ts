import type { Stretch } from "../domain/stretches.ts";
import type { StoredSegment } from "./segment-store.ts";

/** A JPEG, upright and with square pixels, and its [width, height] in pixels. */
export type Picture = { jpeg: Uint8Array; size: [number, number] };

/** A segment whose frames can be looked at. */
export type OpenedSegment = {
  /**
   * The most typical frame of a stretch. Undefined where it has none that may be chosen, none that
   * can be decoded, or only by using more than the function may. Throws where the segment can't be
   * fetched or the machine fails, and the signal's reason.
   */
  picture(stretch: Stretch, signal: AbortSignal): Promise<Picture | undefined>;
  close(): Promise<void>;
};

/** Makes pictures of a segment's frames. */
export type Pictures = { open(segment: StoredSegment): Promise<OpenedSegment> };
