import type { EventData } from "#events-schema";
import { type Alignment, align } from "./alignment.ts";
import { areNamed, eventDifferences, largestDeviation, type Measured, placeOf } from "./events.ts";
import { type Described, metadataDifferences } from "./metadata.ts";
import { comparePixels, type Difference } from "./pixels.ts";
import { frameDifferences, grouped, newComplaints, type Remark } from "./remarks.ts";
import { measureSegment, type Segment, type SegmentEvent } from "./segment.ts";
import { measureTrack, soundFaults, type TrackReport } from "./sound-check.ts";
import type { Source } from "./source.ts";
import { MIN_PSNR_DB, TIME_ROUNDING_S } from "./tolerances.ts";

/** What a split came to: its events, and its files by the segments' keys. */
export type Produced = {
  outcome: "split" | "rejected" | "failed";
  /** The reason of a rejection, or the error. */
  detail: string;
  planned: EventData<"SplitPlanned"> | undefined;
  created: SegmentEvent[];
  ended: EventData<"VideoSplit"> | undefined;
  files: ReadonlyMap<string, string>;
  /** Names of temporary files that it left. */
  left: readonly string[];
};

export type Report = {
  outcome: Produced["outcome"];
  detail: string;
  made: Record<string, number>;
  frames: {
    source: number;
    segments: number;
    missing: number;
    doubled: number;
    extra: number;
    /** Packets of segments that no frame comes of, beyond those of the source. */
    undecodable: number;
    identical: number;
    maxTimeErrorMs: number;
  };
  /** Decibels, of the frames that differ from the source's; null where none does. */
  psnr: {
    least: number;
    percentile1: number;
    mean: number;
    below: number;
    compared: number;
    uncompared: number;
  } | null;
  sound: TrackReport[];
  metadata: string[];
  events: string[];
  /** What is wrong, in words; empty where all is right. */
  faults: string[];
  /** What is tolerated and worth knowing. */
  notes: string[];
};

const NO_FRAMES: Report["frames"] = {
  ...{ source: 0, segments: 0, missing: 0, doubled: 0, extra: 0, undecodable: 0, identical: 0, maxTimeErrorMs: 0 },
};

const nothingMade = ({ outcome, detail }: Produced, faults: string[], notes: string[], frames = 0): Report => ({
  ...{ outcome, detail, made: {}, frames: { ...NO_FRAMES, source: frames }, psnr: null, sound: [] },
  ...{ metadata: [], events: [], faults, notes },
});

/** A rejection is right where nothing decodes, or where it recommends the other cut. */
function unsplit(source: Source, produced: Produced): Report {
  const frames = source.shown?.picture.frames.length ?? 0;
  const { outcome, detail } = produced;
  if (outcome === "failed") return nothingMade(produced, [`failed: ${detail}`], [], frames);
  if (frames === 0) return nothingMade(produced, [], [`rejected: ${detail}; nothing in it decodes`]);
  if (detail.startsWith("UnsupportedCut")) return nothingMade(produced, [], [`rejected: ${detail}`], frames);
  return nothingMade(produced, [`rejected though ${frames} frames decode: ${detail}`], [], frames);
}

/** Seconds of sound before the first picture that the plan names as left out. */
const omittedSeconds = (planned: Produced["planned"]): number =>
  Object.entries(planned ?? {})
    .filter(([field, value]) => /^omitted.*seconds$/.test(field) && typeof value === "number")
    .reduce((sum, [, value]) => sum + Number(value), 0);

/** In order, each once: events may come again. */
const inOrder = (created: readonly SegmentEvent[]): SegmentEvent[] =>
  [...new Map(created.map((event) => [event.segment_index, event])).values()].sort(
    (one, other) => one.segment_index - other.segment_index,
  );

type PsnrFigures = NonNullable<Report["psnr"]>;

function psnrFigures(decibels: readonly number[], uncompared: number): PsnrFigures | null {
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
  };
}

function differencesOf(source: Source, segments: readonly Segment[], alignment: Alignment): Difference[] {
  const theirs = source.shown!.picture.frames;
  return segments.map(({ track, picture }, at) => ({
    track,
    picture,
    pairs: picture.frames.flatMap((mine, frame) => {
      const pair = alignment.placements[at]!.pairs[frame]!;
      return pair === -1 || theirs[pair]!.hash === mine.hash ? [] : [{ mine, theirs: theirs[pair]! }];
    }),
  }));
}

function pictureFaults(report: Report, measured: Measured, ended: Produced["ended"]): string[] {
  const { frames, psnr } = report;
  const { segments } = measured;
  const faults: string[] = [];
  const isNamed = ended !== undefined && areNamed(ended, frames.segments);
  if (frames.missing > 0 && !isNamed) faults.push(`${frames.missing} of ${frames.source} frames missing`);
  if (frames.doubled > 0) faults.push(`${frames.doubled} frames doubled`);
  if (frames.extra > 0) faults.push(`${frames.extra} frames that the source hasn't got`);
  if (frames.undecodable > 0 && !isNamed) faults.push(`${frames.undecodable} frames don't decode`);
  if (frames.maxTimeErrorMs > measured.rounding * 1000)
    faults.push(`frames up to ${frames.maxTimeErrorMs.toFixed(1)} ms from their times`);
  const deviation = largestDeviation(measured);
  if (ended?.cut === "exact" && deviation > measured.rounding)
    faults.push(`a segment begins ${(deviation * 1000).toFixed(1)} ms from the frame that was asked for`);
  if (psnr !== null && psnr.below > 0)
    faults.push(`${psnr.below} of ${psnr.compared} frames below ${MIN_PSNR_DB} dB, the least ${psnr.least.toFixed(1)}`);
  const { packets, picture } = measured.source.shown!;
  const startsWithKey = packets.startsWithKey && picture.frames[0]?.isKey === true;
  // A source that begins in mid-stream has a first segment that does.
  const keyless = segments.filter(
    (one, at) => (at > 0 || startsWithKey) && !(one.packets.startsWithKey && one.picture.frames[0]?.isKey === true),
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

/** Compares what a split made and said with its source. */
export async function check(source: Source, produced: Produced): Promise<Report> {
  if (produced.outcome !== "split" || source.shown === undefined) return unsplit(source, produced);
  const { planned, ended } = produced;
  const { shown } = source;
  const omitted = new Set(planned?.omitted_tracks.map(({ index }) => index));
  const kept = source.sounds.filter(({ stream }) => !omitted.has(stream.index));
  const faults: string[] = [];
  const notes: string[] = [];
  if (omitted.has(shown.stream.index)) {
    const fault = `the picture that a player shows (track ${shown.stream.index}) is left out`;
    return nothingMade(produced, [fault], [], shown.picture.frames.length);
  }
  for (const { stream } of source.sounds) {
    if (omitted.has(stream.index)) faults.push(`sound ${stream.index} (${stream.codec_name}) is left out`);
  }
  if (produced.left.length > 0) faults.push(`temporary files are left: ${produced.left.join(", ")}`);
  if (ended === undefined) faults.push("there is no VideoSplit");

  const segments: Segment[] = [];
  for (const event of inOrder(produced.created)) {
    const path = produced.files.get(event.key);
    if (path === undefined) faults.push(`segment ${event.segment_index} was announced and not uploaded`);
    else segments.push(await measureSegment(path, event, source, kept));
  }
  const ticks = segments.map(({ picture }) => picture.tick);
  const rounding = TIME_ROUNDING_S + shown.picture.tick + Math.max(0, ...ticks);
  const theirs = shown.picture.frames;
  const alignment = align(
    theirs,
    segments.map(({ picture }) => picture.frames),
    rounding,
  );
  const differences = differencesOf(source, segments, alignment);
  const { values, uncompared } = await comparePixels(shown, differences);
  const sound: TrackReport[] = [];
  for (const [at, track] of kept.entries()) sound.push(await measureTrack(track, at, segments, alignment));

  const decoded = segments.reduce((sum, { picture }) => sum + picture.frames.length, 0);
  const packets = segments.reduce((sum, one) => sum + one.packets.shown, 0);
  const paired = alignment.placements.reduce((sum, { pairs }) => sum + pairs.filter((pair) => pair !== -1).length, 0);
  const identical = paired - differences.reduce((sum, { pairs }) => sum + pairs.length, 0);
  const soundShift = Math.max(0, ...sound.map(({ shift }) => Math.abs(shift)));
  const measured = { source, segments, alignment, identical, soundShift, rounding };

  const described: Described = { probe: source.probe, picture: shown.stream, sounds: kept.map(({ stream }) => stream) };
  const metadata: Remark[] = segments.flatMap((segment, index) => {
    const place = placeOf(measured, index);
    const own = { probe: segment.probe, picture: segment.stream, sounds: segment.soundStreams };
    const fps = theirs.length / Math.max(1e-9, theirs.at(-1)!.time - theirs[0]!.time + theirs.at(-1)!.duration);
    const [startSeconds, startFrame] = [place?.startSeconds ?? 0, place?.firstFrame ?? 0];
    const isCopied = segment.event.made === "copied";
    const position = { index, startSeconds, startFrame, fps, isCopied };
    return metadataDifferences(described, own, position).map((text) => ({ segment: index, text }));
  });
  metadata.push(...frameDifferences(theirs, segments, alignment).map((text) => ({ text })));

  const report: Report = {
    ...{ outcome: produced.outcome, detail: produced.detail },
    made: Object.fromEntries(
      [...Map.groupBy(segments, ({ event }) => event.made ?? "unsaid")].map(([made, ones]) => [made, ones.length]),
    ),
    frames: {
      source: theirs.length,
      segments: decoded,
      missing: alignment.missing.length,
      doubled: alignment.doubled,
      extra: alignment.extra,
      // Packets without a picture of their own (second fields, hidden frames) are in the source too.
      undecodable: Math.max(0, packets - decoded - Math.max(0, shown.packets.shown - theirs.length)),
      identical,
      maxTimeErrorMs: alignment.maxTimeError * 1000,
    },
    psnr: psnrFigures(
      values.map(({ decibels }) => decibels),
      uncompared,
    ),
    sound,
    metadata: grouped(metadata, segments.length),
    events: grouped(eventDifferences(measured, ended), segments.length),
    faults,
    notes,
  };
  faults.push(...pictureFaults(report, measured, ended));
  for (const track of sound) faults.push(...soundFaults(track, segments, omittedSeconds(planned)));
  const most = Math.max(0, ...segments.map(({ soundStreams }) => soundStreams.length));
  if (most > kept.length) faults.push(`segments have ${most} tracks of sound, and ${kept.length} of the source play`);
  faults.push(...newComplaints(source, segments), ...report.metadata, ...report.events);
  if (ended?.truncated) notes.push(`truncated at ${ended.last_readable_time} s`);
  if (alignment.missing.length > 0 && !faults.some((fault) => fault.includes("frames missing")))
    notes.push(`${alignment.missing.length} frames don't decode, and the proof says so`);
  return report;
}
