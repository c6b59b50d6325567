import pLimit from "p-limit";
import { align } from "./alignment.ts";
import { audioFaults, measureTrack, type TrackReport } from "./audio-check.ts";
import { eventDifferences, type Measured, placeOf } from "./events.ts";
import { type Finding, frameDifferences, grouped, newDecoderMessages } from "./findings.ts";
import { type Described, metadataDifferences } from "./metadata.ts";
import { comparePixels } from "./pixels.ts";
import type { Produced, Report } from "./report.ts";
import { measureSegment, type Segment, type SegmentEvent } from "./segment.ts";
import type { Source } from "./source.ts";
import { TIME_ROUNDING_S } from "./tolerances.ts";
import { differencesOf, psnrFigures, videoFaults } from "./video-check.ts";

/** Number of segments that are decoded concurrently. */
const MAX_CONCURRENT_DECODERS = 2;

const NO_FRAMES: Report["frames"] = {
  ...{ source: 0, segments: 0, missing: 0, doubled: 0, extra: 0, undecodable: 0, identical: 0, maxTimeErrorMs: 0 },
};

const nothingMade = (
  { outcome, detail, created }: Produced,
  faults: string[],
  notes: string[],
  frames = 0,
): Report => ({
  ...{ outcome, detail, made: madeOf(created), frames: { ...NO_FRAMES, source: frames }, psnr: null, audio: [] },
  ...{ metadata: [], events: [], faults, notes },
});

/** A rejection is right when nothing decodes, or when it recommends the other cut. */
function unsplit(source: Source, produced: Produced): Report {
  const frames = source.shown?.video.frames.length ?? 0;
  const { outcome, detail } = produced;
  if (outcome === "failed") return nothingMade(produced, [`failed: ${detail}`], [], frames);
  if (frames === 0) return nothingMade(produced, [], [`rejected: ${detail}; nothing in it decodes`]);
  if (detail.startsWith("UnsupportedCut")) return nothingMade(produced, [], [`rejected: ${detail}`], frames);
  const made = produced.created.length === 0 ? "" : ` (after ${produced.created.length} SegmentCreated)`;
  return nothingMade(produced, [`rejected though ${frames} frames decode${made}: ${detail}`], [], frames);
}

/** In order and without duplicates: events may be repeated. */
const inOrder = (created: readonly SegmentEvent[]): SegmentEvent[] =>
  [...new Map(created.map((event) => [event.segment_index, event])).values()].sort(
    (one, other) => one.segment_index - other.segment_index,
  );

const madeOf = (created: readonly SegmentEvent[]): Report["made"] =>
  Object.fromEntries(
    [...Map.groupBy(created, ({ made }) => made ?? "unsaid")].map(([made, ones]) => [made, ones.length]),
  );

/** Decodes the segments, in order. Announced segments without a file are added to `faults`. */
async function openSegments(
  { created, files }: Produced,
  source: Source,
  kept: Source["audios"],
  faults: string[],
): Promise<Segment[]> {
  const limit = pLimit(MAX_CONCURRENT_DECODERS);
  const opened = inOrder(created).map(async (event) => {
    const path = files.get(event.key);
    if (path !== undefined) return limit(() => measureSegment(path, event, source, kept));
    faults.push(`segment ${event.segment_index} was announced and not uploaded`);
    return [];
  });
  return (await Promise.all(opened)).flat();
}

/** Differences between the metadata of segments and source, of files and frames. */
function metadataOf(measured: Measured, kept: Source["audios"]): string[] {
  const { source, segments, alignment } = measured;
  const { stream, video } = source.shown!;
  const [first, last] = [video.frames[0]!, video.frames.at(-1)!];
  const fps = video.frames.length / Math.max(1e-9, last.time - first.time + last.duration);
  const described: Described = { probe: source.probe, video: stream, audios: kept.map((track) => track.stream) };
  const findings: Finding[] = segments.flatMap((segment, index) => {
    const place = placeOf(measured, index);
    const own = { probe: segment.probe, video: segment.stream, audios: segment.audioStreams };
    const [startSeconds, startFrame] = [place?.startSeconds ?? 0, place?.firstFrame ?? 0];
    const position = { index, startSeconds, startFrame, fps, isCopied: segment.event.made === "copied" };
    return metadataDifferences(described, own, position).map((text) => ({ segment: index, text }));
  });
  findings.push(...frameDifferences(video.frames, segments, alignment).map((text) => ({ text })));
  return grouped(findings, segments.length);
}

/** Compares the segments and events of a split with its source. */
export async function check(source: Source, produced: Produced): Promise<Report> {
  const { planned, ended, left } = produced;
  const { shown } = source;
  const leftovers = left.length === 0 ? [] : [`temporary files are left: ${left.join(", ")}`];
  if (produced.outcome !== "split" || shown === undefined) {
    const report = unsplit(source, produced);
    return { ...report, faults: [...report.faults, ...leftovers] };
  }
  const omitted = new Set(planned?.omitted_tracks.map(({ index }) => index));
  if (omitted.has(shown.stream.index)) {
    const fault = `the video track that a player shows (${shown.stream.index}) is left out`;
    return nothingMade(produced, [fault, ...leftovers], [], shown.video.frames.length);
  }
  const kept = source.audios.filter(({ stream }) => !omitted.has(stream.index));
  const faults = source.audios
    .filter((track) => !kept.includes(track))
    .map(({ stream }) => `audio track ${stream.index} (${stream.codec_name}) is left out`);
  faults.push(...leftovers, ...(ended === undefined ? ["there is no VideoSplit"] : []));

  const segments = await openSegments(produced, source, kept, faults);
  const rounding = TIME_ROUNDING_S + shown.video.tick + Math.max(0, ...segments.map(({ video }) => video.tick));
  const theirs = shown.video.frames;
  const mine = segments.map(({ video }) => video.frames);
  const alignment = align(
    theirs,
    segments.map(({ video, packets }) => ({ frames: video.frames, start: packets.start })),
    rounding,
  );
  const differences = differencesOf(source, segments, alignment);
  const { values, uncompared } = await comparePixels(shown, differences);
  const audio: TrackReport[] = [];
  for (const [at, track] of kept.entries()) audio.push(await measureTrack(track, at, segments, alignment));

  const decoded = mine.reduce((sum, { length }) => sum + length, 0);
  const packets = segments.reduce((sum, one) => sum + one.packets.shown, 0);
  const paired = alignment.placements.reduce((sum, { pairs }) => sum + pairs.filter((pair) => pair !== -1).length, 0);
  const identical = paired - differences.reduce((sum, { pairs }) => sum + pairs.length, 0);
  const audioShift = Math.max(0, ...audio.map(({ shift }) => Math.abs(shift)));
  const measured: Measured = { source, segments, alignment, identical, audioShift, rounding };

  const report: Report = {
    ...{ outcome: produced.outcome, detail: produced.detail, made: madeOf(segments.map(({ event }) => event)) },
    frames: {
      ...{ source: theirs.length, segments: decoded, missing: alignment.missing.length },
      ...{ doubled: alignment.doubled, extra: alignment.extra, identical },
      // The source also has packets without a frame of their own (second fields, hidden frames).
      undecodable: Math.max(0, packets - decoded - Math.max(0, shown.packets.shown - theirs.length)),
      maxTimeErrorMs: alignment.maxTimeError * 1000,
    },
    psnr: psnrFigures(
      values.map(({ decibels }) => decibels),
      uncompared,
    ),
    ...{ audio, metadata: metadataOf(measured, kept), faults, notes: [] },
    events: grouped(eventDifferences(measured, ended), segments.length),
  };
  faults.push(...videoFaults(report, measured, ended));
  for (const track of audio) faults.push(...audioFaults(track, segments, planned?.omitted_audio_seconds ?? 0));
  const most = Math.max(0, ...segments.map(({ audioStreams }) => audioStreams.length));
  if (most > kept.length)
    faults.push(`segments have ${most} audio tracks, and the source has ${kept.length} that play`);
  faults.push(...newDecoderMessages(source, segments), ...report.metadata, ...report.events);
  if (ended?.truncated) report.notes.push(`truncated at ${ended.last_readable_time} s`);
  if (alignment.missing.length > 0 && !faults.some((fault) => fault.includes("frames missing")))
    report.notes.push(`${alignment.missing.length} frames don't decode, as the proof states`);
  return report;
}
