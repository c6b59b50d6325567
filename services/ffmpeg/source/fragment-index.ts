import { setImmediate } from "node:timers/promises";
import { MAX_FRAMES } from "../../split/domain/budget.ts";
import type { PlannedPacket } from "../../split/domain/cut-plan.ts";
import { limitExceeded } from "../../video/errors.ts";
import { findBox } from "../formats/iso/boxes.ts";
import { sampleDefaults, type TrackFragment, trackFragment } from "../formats/iso/track-fragments.ts";
import { currentBudget } from "../process/limits.ts";
import { editShift } from "./edit-shift.ts";
import { assertMovieIsClear } from "./encryption.ts";
import { readBytes, topLevelBoxes } from "./movie-box.ts";
import type { RangedSource } from "./ranged-source.ts";
import { MAX_KEYFRAME_BYTES, type SampleTable, timescaleOf, videoTrackOf } from "./sample-table.ts";

/**
 * The packets of a fragmented MP4 by the headers of its fragments. ffmpeg visits all of these to
 * open the file, so they are in the cache of the source: docs/decisions/reading-s3.md. For unusual
 * files the result is undefined: then the packets are read with ffprobe.
 */

/** Where headers are closer to each other, reading them takes about as many bytes as all of it. */
export const MIN_FRAGMENT_BYTES = 512 * 1024;

/**
 * At the top level: in front of the fragments, and for each fragment. A hostile file may have
 * millions.
 */
const MAX_OTHER_BOXES = 64;
const MAX_BOXES_A_FRAGMENT = 8;

/**
 * Any other is damage, which may hide fragments, or an index of subsegments (sidx): versions of
 * ffmpeg differ on whether its times come first.
 */
const KNOWN_BOXES = ["ftyp", "styp", "moov", "moof", "mdat", "mfra", "free", "skip", "wide", "uuid", "emsg", "prft"];

/** Fragments after which that is decided. */
const COUNTED_FRAGMENTS = 32;

type Track = { id: number; timescale: number; shiftFor: (firstShown: number) => number | undefined };

/** Undefined where the movie itself has samples, and for a track that isn't video. */
function trackOf(movie: DataView, stream: number): Track | undefined {
  const track = videoTrackOf(movie, stream);
  const header = track && findBox(track, "tkhd");
  const sizes = track && findBox(track, "mdia", "minf", "stbl", "stsz");
  if (header === undefined || header.byteLength < 24 || sizes === undefined || sizes.byteLength < 12) return undefined;
  if (sizes.getUint32(8) !== 0) return undefined;
  const timescale = timescaleOf(findBox(track!, "mdia", "mdhd"));
  if (timescale === 0) return undefined;
  const movieTimescale = timescaleOf(findBox(movie, "mvhd"));
  return {
    id: header.getUint32(header.getUint8(0) === 1 ? 20 : 12),
    timescale,
    shiftFor: (first) => editShift(track!, { first }, timescale, movieTimescale),
  };
}

type Fragments = { track: Track; all: TrackFragment[] };

async function readAll(
  source: RangedSource,
  stream: number,
  signal: AbortSignal,
  minBytes: number,
): Promise<Fragments | undefined> {
  const { indexBytes } = currentBudget();
  let movie: DataView | undefined;
  let track: Track | undefined;
  const all: TrackFragment[] = [];
  let [end, held, samples, fragments, begin] = [0, 0, 0, 0, 0];
  const most = MAX_OTHER_BOXES + MAX_BOXES_A_FRAGMENT * Math.ceil(source.size / minBytes);
  for await (const { type, at, header, size } of topLevelBoxes(source, signal, most)) {
    end = at + size;
    if (!KNOWN_BOXES.includes(type)) return undefined;
    if (type !== "moov" && type !== "moof") continue;
    held += size;
    if (held > indexBytes || end > source.size) return undefined;
    const body = await readBytes(source, at + header, size - header, signal);
    if (type === "moov") {
      assertMovieIsClear(body);
      if (movie !== undefined || findBox(body, "mvex") === undefined) return undefined;
      movie = body;
      track = trackOf(movie, stream);
      continue;
    }
    const defaults = movie && track && sampleDefaults(movie, track.id);
    if (track === undefined || defaults === undefined) return undefined;
    if (fragments === 0) begin = at;
    fragments += 1;
    if (fragments > COUNTED_FRAGMENTS && (at - begin) / (fragments - 1) < minBytes) return undefined;
    const found = trackFragment(body, at, track.id, defaults);
    if (found === undefined) return undefined;
    if (found === "none") continue;
    samples += found.count;
    if (samples > MAX_FRAMES)
      throw limitExceeded(`The video has more than ${MAX_FRAMES} frames. Split it beforehand and upload the pieces.`);
    all.push(found);
  }
  const isWhole = end === source.size && fragments > 0 && (source.size - begin) / fragments >= minBytes;
  return isWhole && samples > 0 && track !== undefined ? { track, all } : undefined;
}

/** Samples that are checked before other tasks, such as a deadline's timer, get to run. */
const SAMPLES_PER_BATCH = 2 ** 15;

type Location = { offset: number; size: number };

/**
 * Whether readers agree on every sample: none is empty or outside of the file, shown before its
 * decode time, or decoded before an earlier one. `second`: where the second keyframe is.
 */
async function check(
  { all }: Fragments,
  fileSize: number,
  signal: AbortSignal,
): Promise<{ second: Location | undefined } | undefined> {
  let [count, keys, ends] = [0, 0, Number.NEGATIVE_INFINITY];
  let second: Location | undefined;
  for (const { decodeTime, samples } of all) {
    if (decodeTime < ends) return undefined;
    ends = decodeTime;
    for (const { duration, size, key, offset, position } of samples()) {
      if (size === 0 || duration === 0 || offset < 0 || position < 0 || position + size > fileSize) return undefined;
      count += 1;
      if (count % SAMPLES_PER_BATCH === 0) {
        await setImmediate();
        signal.throwIfAborted();
      }
      if (key) keys += 1;
      if (key && keys === 2) second = { offset: position, size };
      ends += duration;
    }
  }
  return { second };
}

/** `shift` is added to all times, in ticks. A packet lasts until the next one is decoded. */
function* packetsOf({ track: { timescale }, all }: Fragments, shift: number): Generator<PlannedPacket> {
  let last: { decoded: number; offset: number; key: boolean; position: number } | undefined;
  const packet = (end: number): PlannedPacket => ({
    time: (last!.decoded + last!.offset + shift) / timescale,
    duration: (end - last!.decoded) / timescale,
    key: last!.key,
    position: last!.position,
  });
  let decoded = 0;
  for (const { decodeTime, samples } of all) {
    decoded = decodeTime;
    for (const { duration, offset, key, position } of samples()) {
      if (last !== undefined) yield packet(decoded);
      last = { decoded, offset, key, position };
      decoded += duration;
    }
  }
  if (last !== undefined) yield packet(decoded);
}

/**
 * The packets of stream `stream` (ffmpeg's index) of a fragmented MP4. Undefined for other files,
 * for unusual ones, and where headers are so close that the file may be read as well. Throws
 * `RejectedVideo` (LimitExceeded) for too many frames. `minBytes`: of a fragment, on average.
 */
export async function readFragmentIndex(
  source: RangedSource,
  stream: number,
  signal: AbortSignal,
  minBytes: number = MIN_FRAGMENT_BYTES,
): Promise<SampleTable | undefined> {
  const found = await readAll(source, stream, signal, minBytes);
  const checked = found && (await check(found, source.size, signal));
  if (found === undefined || checked === undefined) return undefined;
  const [first] = found.all[0]!.samples();
  const shift = first && found.track.shiftFor(first.offset);
  if (shift === undefined) return undefined;
  const { second } = checked;
  const readSecondKeyframe = async () => {
    if (second === undefined || second.size > MAX_KEYFRAME_BYTES) return undefined;
    const end = second.offset + second.size - 1;
    return Buffer.concat(await Array.fromAsync(source.read(second.offset, end, signal), (chunk) => Buffer.from(chunk)));
  };
  return { packets: packetsOf(found, shift), readSecondKeyframe };
}
