import { RejectedVideo } from "../../video/errors.ts";
import { boxesIn, findBox } from "../formats/iso/boxes.ts";
import { TABLE_FIELDS } from "../formats/iso/tables.ts";
import type { FfprobeOutput } from "./describe.ts";

/**
 * Encrypted videos. ffmpeg takes their data for pictures that are damaged, so their segments would
 * have nothing to see, and players couldn't decrypt them: a segment lacks what describes the keys.
 */

/** Sample entries of Common Encryption (ISO/IEC 23001-7) and FairPlay. */
const ENCRYPTED_ENTRIES: readonly string[] = ["encv", "enca", "drmi", "drms"];

const encrypted = (): RejectedVideo =>
  new RejectedVideo("UnreadableMedia", "The video is encrypted (DRM). Decrypt it, and upload that.");

/** Throws `RejectedVideo` where samples of a track are encrypted. `movie`: body of moov. */
export function assertMovieIsClear(movie: DataView): void {
  for (const { type, body } of boxesIn(movie)) {
    const descriptions = type === "trak" ? findBox(body, "mdia", "minf", "stbl", "stsd") : undefined;
    if (descriptions === undefined || descriptions.byteLength < TABLE_FIELDS) continue;
    for (const entry of boxesIn(descriptions, TABLE_FIELDS))
      if (ENCRYPTED_ENTRIES.includes(entry.type)) throw encrypted();
  }
}

/** Throws `RejectedVideo` for a Matroska file with encrypted tracks. */
export function assertTracksAreClear({ streams }: FfprobeOutput): void {
  if (streams.some(({ tags }) => tags?.enc_key_id !== undefined)) throw encrypted();
}
