import type { Alignment } from "./alignment.ts";
import type { Audio } from "./audio.ts";
import { type Coverage, coverageOf, type Interval } from "./coverage.ts";
import type { Segment } from "./segment.ts";
import type { Source } from "./source.ts";
import {
  AAC_FRAME,
  AUDIO_JITTER_S,
  MAX_AUDIO_SHIFT_S,
  MAX_HOLE_S,
  MIN_COPIED_CORRELATION,
  MIN_CORRELATION,
  MIN_EQUAL_SHARE,
} from "./tolerances.ts";
import { type AudioComparison, compareAudio } from "./waveform.ts";

/** Measurements of one track in all segments. Times in seconds. */
export type TrackReport = Coverage & {
  /** ffprobe's index in the source. */
  track: number;
  codec: string;
  /** In the segments; undefined when they lack the track. */
  codecs: string[];
  shift: number;
  correlation: number;
  equalShare: number;
  /** Share of the segments' packets that are bit-identical to the source's. */
  copiedShare: number;
  /** Samples in the source, and in all segments together, at the source's rate. */
  samples: number;
  segmentSamples: number;
  /** Seconds of the decoder's usual block. */
  block: number;
  /** Samples per second. */
  rate: number;
};

const intervalsOf = ({ runs, rate }: Audio, offset: number): Interval[] =>
  runs.map(({ start, length }) => ({ start: start + offset, end: start + offset + length / rate }));

/** Share of the packets of all segments that are the source's. */
function copiedShare(source: Audio, segments: readonly (Audio | undefined)[]): number {
  const known = new Set(source.packets);
  const all = segments.flatMap((segment) => segment?.packets ?? []);
  return all.length === 0 ? 1 : all.filter((hash) => known.has(hash)).length / all.length;
}

const samplesIn = (audio: Audio | undefined): number => audio?.runs.reduce((sum, { length }) => sum + length, 0) ?? 0;

/** Moves the audio of all segments to the source's times, by the positions of their frames. */
export async function measureTrack(
  { stream, audio }: Source["audios"][number],
  at: number,
  segments: readonly Segment[],
  { placements }: Alignment,
): Promise<TrackReport> {
  const own = segments.map(({ audios }) => audios[at]);
  const comparisons: AudioComparison[] = [];
  for (const [index, one] of own.entries()) {
    if (one !== undefined) comparisons.push(await compareAudio(audio, one, placements[index]!.offset));
  }
  const compared = comparisons.filter(({ blocks }) => blocks > 0);
  const blocks = compared.reduce((sum, one) => sum + one.blocks, 0);
  const codecs = segments.flatMap(({ audioStreams }) => audioStreams[at]?.codec_name ?? []);
  return {
    ...coverageOf(
      intervalsOf(audio, 0),
      own.map((one, index) => (one === undefined ? [] : intervalsOf(one, placements[index]!.offset))),
    ),
    track: stream.index,
    codec: stream.codec_name ?? "",
    codecs: [...new Set(codecs)],
    shift: compared.reduce((most, { shift }) => (Math.abs(shift) > Math.abs(most) ? shift : most), 0),
    correlation: Math.min(1, ...compared.map(({ correlation }) => correlation)),
    equalShare: blocks === 0 ? 1 : compared.reduce((sum, one) => sum + one.equalShare * one.blocks, 0) / blocks,
    copiedShare: copiedShare(audio, own),
    samples: samplesIn(audio),
    segmentSamples: own.reduce((sum, one) => sum + samplesIn(one), 0),
    block: audio.block / audio.rate,
    rate: audio.rate,
  };
}

const ms = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;

const saysEncoded = ({ event }: Segment): boolean => event.audio_made === "encoded";

/**
 * Faults of a track, as text. `omitted`: seconds before the first video frame that are declared as
 * omitted.
 */
export function audioFaults(report: TrackReport, segments: readonly Segment[], omitted: number): string[] {
  const name = `audio track ${report.track} (${report.codec})`;
  const faults: string[] = [];
  const limit = Math.max(MAX_HOLE_S, Math.min(report.block, AAC_FRAME / report.rate)) + AUDIO_JITTER_S;
  const gaps = report.gaps.filter((hole) => hole > limit);
  if (gaps.length > 0)
    faults.push(
      `${name}: gaps of up to ${ms(Math.max(...gaps))} at ${gaps.length} of ${report.gaps.length} boundaries`,
    );
  const overlaps = report.overlaps.filter((overlap) => overlap > Math.max(report.block, MAX_HOLE_S) + AUDIO_JITTER_S);
  if (overlaps.length > 0)
    faults.push(`${name}: ${overlaps.length} boundaries overlap by up to ${ms(Math.max(...overlaps))}`);
  if (report.lostAtStart > limit + omitted)
    faults.push(`${name}: its first ${ms(report.lostAtStart)} are in no segment`);
  if (report.lostAtEnd > limit) faults.push(`${name}: its last ${ms(report.lostAtEnd)} are in no segment`);
  if (report.lostInside > limit) faults.push(`${name}: ${ms(report.lostInside)} are missing inside of segments`);
  if (Math.abs(report.shift) > MAX_AUDIO_SHIFT_S)
    faults.push(`${name}: is ${ms(Math.abs(report.shift))} ${report.shift > 0 ? "early" : "late"}`);
  // Decoders fill bands with noise that differs after each start: identical packets are the better
  // evidence.
  const isCopied = report.copiedShare >= MIN_EQUAL_SHARE;
  if (report.correlation < (isCopied ? MIN_COPIED_CORRELATION : MIN_CORRELATION))
    faults.push(`${name}: is altered (correlation ${report.correlation.toFixed(2)})`);
  else if (!isCopied && report.equalShare < MIN_EQUAL_SHARE && !segments.some(saysEncoded))
    faults.push(
      `${name}: was re-encoded (${Math.round(report.equalShare * 100)} % of it is the source's), and no event says so`,
    );
  return faults;
}
