import type { Alignment } from "./alignment.ts";
import { areNamed, largestDeviation, type Measured } from "./events.ts";
import type { Difference } from "./pixels.ts";
import type { Produced, Report } from "./report.ts";
import type { Segment } from "./segment.ts";
import type { Source } from "./source.ts";
import { MIN_PSNR_DB } from "./tolerances.ts";

type PsnrFigures = NonNullable<Report["psnr"]>;

/** Null when no frame differs. `uncompared`: differing frames without a PSNR. */
export function psnrFigures(decibels: readonly number[], uncompared: number): PsnrFigures | null {
  if (decibels.length + uncompared === 0) return null;
  const sorted = [...decibels].sort((one, other) => one - other);
  const finite = sorted.filter(Number.isFinite);
  return {
    least: sorted[0] ?? Number.NaN,
    percentile1: sorted[Math.floor(sorted.length / 100)] ?? Number.NaN,
    mean: finite.length === 0 ? Number.NaN : finite.reduce((sum, value) => sum + value, 0) / finite.length,
    below: sorted.filter((value) => value < MIN_PSNR_DB).length,
    compared: sorted.length,
    uncompared,
    all: sorted,
  };
}

/** Frames whose pixels differ from the source's, with the source's frame at their time. */
export function differencesOf(source: Source, segments: readonly Segment[], alignment: Alignment): Difference[] {
  const theirs = source.shown!.video.frames;
  return segments.map(({ track, video }, at) => ({
    track,
    video,
    pairs: video.frames.flatMap((mine, frame) => {
      const pair = alignment.placements[at]!.pairs[frame]!;
      return pair === -1 || theirs[pair]!.hash === mine.hash ? [] : [{ mine, theirs: theirs[pair]! }];
    }),
  }));
}

/** Faults of the video, as text. */
export function videoFaults(report: Report, measured: Measured, ended: Produced["ended"]): string[] {
  const { frames, psnr } = report;
  const { segments } = measured;
  const faults: string[] = [];
  const isNamed = ended !== undefined && areNamed(ended, frames.segments);
  if (frames.missing > 0 && !isNamed) faults.push(`${frames.missing} of ${frames.source} frames missing`);
  if (frames.doubled > 0) faults.push(`${frames.doubled} duplicate frames`);
  if (frames.extra > 0) faults.push(`${frames.extra} frames that the source doesn't have`);
  if (frames.undecodable > 0 && !isNamed) faults.push(`${frames.undecodable} frames don't decode`);
  if (frames.maxTimeErrorMs > measured.rounding * 1000)
    faults.push(`frames up to ${frames.maxTimeErrorMs.toFixed(1)} ms from their times`);
  const deviation = largestDeviation(measured);
  if (ended?.cut === "exact" && deviation > measured.rounding)
    faults.push(`a segment begins ${(deviation * 1000).toFixed(1)} ms from the requested frame`);
  if (psnr !== null && psnr.below > 0)
    faults.push(`${psnr.below} of ${psnr.compared} frames below ${MIN_PSNR_DB} dB, the least ${psnr.least.toFixed(1)}`);
  if (psnr !== null && psnr.uncompared > 0)
    faults.push(`${psnr.uncompared} frames can't be compared with the source's`);
  const { packets, video } = measured.source.shown!;
  const startsWithKey = packets.startsWithKey && video.frames[0]?.isKey === true;
  // A source that begins in mid-stream has such a first segment.
  const keyless = segments.filter(
    (one, at) => (at > 0 || startsWithKey) && !(one.packets.startsWithKey && one.video.frames[0]?.isKey === true),
  );
  if (keyless.length > 0) faults.push(`${keyless.length} segments don't begin with a keyframe that decodes`);
  const bare = segments.filter(({ needInBandSets }) => needInBandSets > 0);
  if (bare.length > 0) {
    const wrong = bare.reduce((sum, one) => sum + one.needInBandSets, 0);
    const tag = bare[0]!.stream?.codec_tag_string;
    faults.push(`${wrong} frames of ${bare.length} segments need parameter sets that ${tag} doesn't allow in samples`);
  }
  return faults;
}
