import { isOfTheFile } from "../process/errors.ts";
import { type Decoded, decodeProduct } from "./decode-product.ts";
import type { Product } from "./product.ts";

/**
 * Whether the pictures of a produced file decode, on its own and from its own parameters. The first
 * group of pictures tells: what follows it is as good or bad as the source's.
 */

/** More than any decoder holds back: a frame that is missing among the first ones shows. */
const MAX_CHECKED_FRAMES = 18;

/** What a viewer gets to see of a file. */
export type Playback = {
  /** Frames that a decoder gives. */
  frames: number;
  /** Frames that the file holds, and no decoder gives. */
  undecodable: number;
  /** Places of the first and the last frame that come, among all frames in presentation order. */
  first: number;
  last: number;
  /** In pixels, as displayed; undefined where no frame comes. */
  size: [number, number] | undefined;
};

/** Which of the frames that a file holds, by their times in presentation order, a decoder gives. */
export type Held = {
  /** Seconds on the file's clock, in presentation order. */
  times: readonly number[];
  /** Seconds by which the container may round a time. */
  rounding: number;
};

/**
 * Decodes the file's first frames, and all of it where not all of these come, or where `wholly` asks
 * for it. Throws what is the machine's fault, and the signal's reason.
 */
export async function playbackOf(product: Product, held: Held, wholly = false): Promise<Playback> {
  const { times } = held;
  const all = { frames: times.length, undecodable: 0, first: 0, last: times.length - 1 };
  if (!wholly) {
    const begun = await decoded(product, Math.min(MAX_CHECKED_FRAMES, times.length));
    if (missingAmong(held, begun) === 0) return { ...all, size: begun.size };
  }
  const { times: came, size } = await decoded(product);
  if (came.length >= times.length) return { ...all, size };
  return {
    ...{ frames: came.length, undecodable: times.length - came.length },
    ...{ first: placeOf(held, Math.min(...came)), last: placeOf(held, Math.max(...came)), size },
  };
}

/** A file that ffmpeg can't open, or gives up on, gives no frame. */
async function decoded(product: Product, atMost?: number): Promise<Decoded> {
  try {
    return await decodeProduct(product, atMost);
  } catch (error) {
    if (!isOfTheFile(error)) throw error;
    return { times: [], size: undefined };
  }
}

/** Frames that should have come until the last one that came. */
function missingAmong({ times, rounding }: Held, { times: came }: Decoded): number {
  const asked = Math.min(MAX_CHECKED_FRAMES, times.length);
  if (came.length < asked) return asked - came.length;
  const last = Math.max(...came) + rounding;
  return Math.max(0, times.filter((time) => time <= last).length - came.length);
}

/** The place of the frame that is shown closest to a time. */
function placeOf({ times }: Held, time: number): number {
  let nearest = 0;
  for (const [place, other] of times.entries())
    if (Math.abs(other - time) < Math.abs(times[nearest]! - time)) nearest = place;
  return nearest;
}
