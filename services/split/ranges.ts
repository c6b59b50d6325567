import { RejectedVideo } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import type { CutRun, Delivery } from "./deliver-segments.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import type { SegmentProof } from "./domain/proof.ts";
import { needsMore, rangesOf, type SegmentRange } from "./domain/ranges.ts";
import { measurePace } from "./pace.ts";
import type { RecordedRanges } from "./ports/ledger.ts";

/** The first request for a range counts as its second invocation: the first one planned it. */
export const FIRST_REQUEST = 2;

/** The video's ranges that have yet to be finished. */
export const unfinished = ({ ranges, finished }: RecordedRanges): SegmentRange[] =>
  ranges.filter(({ last }) => !finished.has(last));

/** Of an invocation that may cut all of a video. */
export type SharedRun = {
  run: CutRun;
  /** When the invocation began. */
  begun: Date;
  /** Saves the index of the source for the others. */
  saveIndex: () => Promise<void>;
};

/**
 * Divides what is left of a video into ranges when it takes longer than this invocation has, and
 * requests all of them except the first, which this invocation continues. Call the result after
 * each announced segment.
 */
export function sharing(
  { run, begun, saveIndex }: SharedRun,
  dependencies: SplitDependencies,
  announce: Announce,
): () => Promise<void> {
  const { settings, log } = dependencies;
  const paceNow = measurePace(run, dependencies);
  const { segments } = run.plan;
  let isShared = false;
  return async () => {
    if (isShared || run.taken === segments.length - 1) return;
    if (!needsMore(paceNow())) return;
    isShared = true;
    const ranges = rangesOf(segments.length, run.taken + 1, settings.maxConcurrentRanges);
    // What this invocation leaves is made by a later one.
    if (ranges.length === 1) return saveIndex();
    // Immediately, so that this invocation begins no segment of another range.
    run.range = ranges[0]!;
    run.reading.readUpTo(run.range.last);
    await saveIndex();
    await record(run, ranges, begun, dependencies);
    for (let next = run.unrequested[0]; next !== undefined; next = run.unrequested[0]) {
      await announce("SegmentRangeRequested", eventData.rangeRequested(run.upload, requestOf(next)));
      run.unrequested = run.unrequested.slice(1);
    }
    log.info("Divided into ranges", { ranges: ranges.length, own_last_segment: run.range.last });
  };
}

/** The content of the first request for a range. */
export const requestOf = ({ first, last }: SegmentRange): eventData.Missing => ({
  firstSegment: first,
  lastSegment: last,
  invocation: FIRST_REQUEST,
});

/** From then on the recorded ranges hold, also where another invocation has recorded them. */
async function record(
  run: CutRun,
  ranges: readonly SegmentRange[],
  begun: Date,
  { ledger }: SplitDependencies,
): Promise<void> {
  const { upload, container } = run;
  if (container === undefined) throw new Error("no segment was made, so its container isn't known");
  const begunAt = Math.floor(begun.getTime() / 1_000);
  run.rangesStarted = ranges.length;
  run.recorded = await ledger.planRanges(upload.videoId, { ranges, extension: container.extension, begunAt });
  const [own, ...others] = run.recorded.ranges;
  run.range = own!;
  run.reading.readUpTo(own!.last);
  run.unrequested = others;
}

/**
 * The requests of an invocation that ran out of time: for the rest of its range, or, if it had all
 * segments, for ranges of the missing ones.
 */
export async function leftBy(run: CutRun, begun: Date, dependencies: SplitDependencies): Promise<SegmentRange[]> {
  const { plan, delivered, made } = run;
  const isMissing = (index: number): boolean => !delivered.has(index) && !made.has(index);
  // Without recorded ranges the next invocation has all segments too.
  const lastOf = (): number => (run.recorded === undefined ? plan.segments.length - 1 : run.range.last);
  // When none is missing, the range still has to be finished.
  const first = plan.segments.find(({ index }) => index >= run.range.first && isMissing(index))?.index ?? lastOf();
  if (run.recorded === undefined) {
    const ranges = rangesOf(plan.segments.length, first, dependencies.settings.maxConcurrentRanges);
    // Without a segment the container isn't known, so the next invocation divides the video.
    if (ranges.length > 1 && run.container !== undefined) await record(run, ranges, begun, dependencies);
  }
  // The time may be over between the record of the ranges and their requests.
  return [{ first: Math.min(first, lastOf()), last: lastOf() }, ...run.unrequested];
}

/** What remains to be done after a range was finished. */
export type AfterRange =
  | { type: "complete"; delivery: Delivery }
  /**
   * Other invocations cut the other ranges, or must cut these again because the records of their
   * segments have expired.
   */
  | { type: "incomplete"; again: SegmentRange[] };

/**
 * Records that this run's range is done. When it's the last one, resolves with all of the video's
 * segments.
 */
export async function finishRange(
  run: CutRun,
  { undecodableFrom }: Delivery,
  { ledger, takeUsage }: SplitDependencies,
  signal: AbortSignal,
): Promise<AfterRange> {
  const { upload, plan, range } = run;
  // Before the range is finished, so that the one that finishes the last one has all.
  await ledger.recordUsage(upload.videoId, takeUsage());
  const recorded = await ledger.finishRange(upload.videoId, range.last, { undecodableFrom });
  if (unfinished(recorded).length > 0) return { type: "incomplete", again: [] };
  const delivered = await ledger.delivered(upload.videoId, { first: 0, last: plan.segments.length - 1 }, signal);
  const proofs: SegmentProof[] = [];
  for (; delivered.has(proofs.length); ) proofs.push(delivered.get(proofs.length)!.proof);
  const ends = [...recorded.finished.values()].flatMap(({ undecodableFrom: from }) => from ?? []);
  if (proofs.length === plan.segments.length)
    return { type: "complete", delivery: { proofs, undecodableFrom: undefined } };
  if (ends.length > 0) {
    const undecodableFrom = Math.min(...ends);
    if (delivered.size > proofs.length) throw unreadableBetween(undecodableFrom);
    return { type: "complete", delivery: { proofs, undecodableFrom } };
  }
  const hasAll = ({ first, last }: SegmentRange): boolean => {
    for (let index = first; index <= last; index += 1) if (!delivered.has(index)) return false;
    return true;
  };
  return { type: "incomplete", again: recorded.ranges.filter((one) => !hasAll(one)) };
}

const unreadableBetween = (from: number): RejectedVideo =>
  new RejectedVideo(
    "UnreadableMedia",
    `The video can't be decoded from ${from.toFixed(3)} s on, and later segments were made. Export it again, as one whole file.`,
  );
