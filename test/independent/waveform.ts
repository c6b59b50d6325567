import { type FileHandle, open } from "node:fs/promises";
import type { Audio, Run } from "./audio.ts";
import { PRIMING_S } from "./tolerances.ts";

/** Comparison of a segment's audio with the source's at the same time. */
export type AudioComparison = {
  /** Largest shift of the audio in seconds: early (above 0) or late (below 0). */
  shift: number;
  /** Correlation of the waveforms after priming and shift; 1 when there is nothing to compare. */
  correlation: number;
  /** Share of the blocks after the priming that are the source's. */
  equalShare: number;
  /** Number of blocks after the priming. */
  blocks: number;
};

/** Samples per comparison. */
const BLOCK = 2048;

/** Samples used to find a shift, and its maximum in seconds. */
const WINDOW = 16_384;
const MIN_WINDOW = 4096;
const MAX_SHIFT_S = 0.25;

/** Root mean square (of 32,768) below which no shift can be found. */
const QUIET = 10;

/** Difference from rounding to 16 bits and from different decoder states (40 dB). */
const EQUAL_RMS = 3;
const EQUAL_SHARE_OF_SIGNAL = 0.01;

/** Maximum searches per segment: re-encoded noise would otherwise be searched block by block. */
const MAX_SEARCHES = 8;

type Pcm = { handle: FileHandle; channels: number };

async function samplesOf({ handle, channels }: Pcm, from: number, count: number): Promise<Int16Array> {
  const samples = new Int16Array(count * channels);
  const bytes = new Uint8Array(samples.buffer);
  const at = from * channels * 2;
  const skipped = Math.max(0, -at);
  if (skipped < bytes.length) await handle.read(bytes, skipped, bytes.length - skipped, Math.max(0, at));
  return samples;
}

/** All channels mixed into one. */
function mono(samples: Int16Array, channels: number): Float64Array {
  const mixed = new Float64Array(samples.length / channels);
  for (let at = 0; at < samples.length; at += 1) mixed[Math.floor(at / channels)]! += samples[at]!;
  return mixed;
}

const decimated = (samples: Float64Array, by: number): Float64Array => {
  const fewer = new Float64Array(Math.floor(samples.length / by));
  for (let at = 0; at < fewer.length * by; at += 1) fewer[Math.floor(at / by)]! += samples[at]!;
  return fewer;
};

/** Correlation of `piece` with `whole` at each position from `from` to `to`. */
function correlations(piece: Float64Array, whole: Float64Array, from: number, to: number): number[] {
  const own = piece.reduce((sum, value) => sum + value * value, 0);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, lag) => {
    let cross = 0;
    let theirs = 0;
    for (let at = 0; at < piece.length; at += 1) {
      const value = whole[from + lag + at] ?? 0;
      cross += piece[at]! * value;
      theirs += value * value;
    }
    return theirs === 0 || own === 0 ? 0 : cross / Math.sqrt(own * theirs);
  });
}

const COARSE = 8;

/** Number of positions examined closely: a tone correlates once per period. */
const MAX_PEAKS = 24;

/** The highest peaks, in descending order. */
function peaksOf(scores: readonly number[]): number[] {
  const isPeak = (at: number): boolean =>
    scores[at]! >= (scores[at - 1] ?? Number.NEGATIVE_INFINITY) &&
    scores[at]! >= (scores[at + 1] ?? Number.NEGATIVE_INFINITY);
  const peaks = [...scores.keys()].filter(isPeak).sort((one, other) => scores[other]! - scores[one]!);
  return peaks.slice(0, MAX_PEAKS);
}

/**
 * Shift of `piece` in `whole` in samples; its expected position is `reach` samples from the start.
 */
export function findShift(piece: Float64Array, whole: Float64Array, reach: number): { shift: number; score: number } {
  const [few, fewer] = [decimated(piece, COARSE), decimated(whole, COARSE)];
  const coarse = correlations(few, fewer, 0, fewer.length - few.length);
  const found = peaksOf(coarse).flatMap((peak) => {
    const from = Math.max(0, (peak - 1) * COARSE);
    const fine = correlations(piece, whole, from, Math.min(whole.length - piece.length, (peak + 1) * COARSE));
    return fine.map((score, at) => ({ shift: from + at - reach, score }));
  });
  const top = Math.max(...found.map(({ score }) => score));
  // Of equally good positions, the nearest.
  const good = found.filter(({ score }) => score >= top - 1e-4);
  return good.reduce((one, other) => (Math.abs(other.shift) < Math.abs(one.shift) ? other : one));
}

const rms = (samples: Int16Array): number => {
  let squares = 0;
  for (const sample of samples) squares += sample * sample;
  return Math.sqrt(squares / Math.max(1, samples.length));
};

function isEqual(mine: Int16Array, theirs: Int16Array): boolean {
  let squares = 0;
  for (let at = 0; at < mine.length; at += 1) squares += (mine[at]! - theirs[at]!) ** 2;
  const error = Math.sqrt(squares / Math.max(1, mine.length));
  return error <= Math.max(EQUAL_RMS, EQUAL_SHARE_OF_SIGNAL * rms(theirs));
}

/**
 * Positions of a time in the source's PCM, in samples. Empty when the source has no audio then;
 * several when its runs overlap.
 */
function placesOf(runs: readonly Run[], rate: number, time: number, count: number): number[] {
  return runs.flatMap((run) => {
    const within = Math.round((time - run.start) * rate);
    return within >= -1 && within + count <= run.length ? [run.at + Math.max(0, within)] : [];
  });
}

/**
 * Compares a segment's audio, decoded with the source's rate and channels, with the source's.
 * `offset`: seconds from the segment's times to the source's, found by the video.
 */
export async function compareAudio(source: Audio, segment: Audio, offset: number): Promise<AudioComparison> {
  const { rate, channels } = source;
  const result = { shift: 0, correlation: 1, equalShare: 1, blocks: 0 };
  if (source.runs.length === 0 || segment.runs.length === 0) return result;
  const theirs: Pcm = { handle: await open(source.pcm), channels };
  const mine: Pcm = { handle: await open(segment.pcm), channels };
  const begins = segment.runs[0]!.start;
  const sums = { cross: 0, mine: 0, theirs: 0, equal: 0 };
  let shift = 0;
  let searches = 0;

  /**
   * The source's samples at the position where they are equal, with or without the found shift;
   * otherwise at the first one.
   */
  const matching = async (own: Int16Array, places: readonly number[], count: number) => {
    for (const by of new Set([shift, 0])) {
      for (const place of places) {
        const other = await samplesOf(theirs, place + by, count);
        if (!isEqual(own, other)) continue;
        shift = by;
        return { other, equal: true };
      }
    }
    return { other: await samplesOf(theirs, places[0]! + shift, count), equal: false };
  };

  /** Finds the shift of the audio from here on. */
  const search = async (at: number, place: number, window: number): Promise<boolean> => {
    searches += 1;
    const reach = Math.round(MAX_SHIFT_S * rate);
    const piece = mono(await samplesOf(mine, at, window), channels);
    const whole = mono(await samplesOf(theirs, place - reach, window + 2 * reach), channels);
    const found = findShift(piece, whole, reach);
    if (found.score < 0.5 || found.shift === shift) return false;
    shift = found.shift;
    return true;
  };

  try {
    for (const run of segment.runs) {
      for (let from = 0; from < run.length; from += BLOCK) {
        const count = Math.min(BLOCK, run.length - from);
        const time = run.start + from / rate;
        const places = placesOf(source.runs, rate, time + offset, count);
        const [place] = places;
        if (place === undefined || time - begins < PRIMING_S) continue;
        const own = await samplesOf(mine, run.at + from, count);
        let { other, equal } = await matching(own, places, count);
        if (!equal && searches < MAX_SEARCHES && rms(own) > QUIET && run.length - from >= MIN_WINDOW) {
          if (await search(run.at + from, place, Math.min(WINDOW, run.length - from)))
            ({ other, equal } = await matching(own, [place], count));
        }
        result.blocks += 1;
        if (equal) sums.equal += 1;
        for (let at = 0; at < own.length; at += 1) {
          sums.cross += own[at]! * other[at]!;
          sums.mine += own[at]! ** 2;
          sums.theirs += other[at]! ** 2;
        }
        if (Math.abs(shift / rate) > Math.abs(result.shift)) result.shift = shift / rate;
      }
    }
  } finally {
    await Promise.all([theirs.handle.close(), mine.handle.close()]);
  }
  if (result.blocks > 0) {
    result.equalShare = sums.equal / result.blocks;
    const power = Math.sqrt(sums.mine * sums.theirs);
    // Silence in both is equal; silence in one correlates with nothing.
    result.correlation = power > 0 ? sums.cross / power : Number(result.equalShare === 1);
  }
  return result;
}
