import { rm } from "node:fs/promises";
import { OutOfTimeError } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import { nameOf } from "../video/source.ts";
import { costOf } from "../video/usage.ts";
import { type CutRun, type Delivery, deliverSegments } from "./deliver-segments.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import type { SegmentRange } from "./domain/ranges.ts";
import { planCut } from "./plan-cut.ts";
import type { CutChoice, RecordedRanges } from "./ports/ledger.ts";
import type { OpenMedia } from "./ports/media-tools.ts";
import type { ScannedSource } from "./ports/saved-indexes.ts";
import { finishRange, leftBy, sharing } from "./ranges.ts";
import { omittedOf, propertiesOf, type ReadMedia, readMedia } from "./read-media.ts";
import { resultOf } from "./split-result.ts";
import { stoppingInTime } from "./stop-in-time.ts";

/** What an invocation cuts. */
export type CutRequest = {
  requested: CutChoice;
  /** An earlier attempt has planned the cut. */
  isRetry: boolean;
  /** Undefined: all of the video, which the invocation may divide into ranges. */
  own: { range: SegmentRange; recorded: RecordedRanges } | undefined;
};

/** The result of an invocation. */
export type CutResult = {
  /** How many ranges it divided the video into; 0: it didn't. */
  rangesStarted: number;
  isRangeDone: boolean;
} & (
  | SplitResult
  /** The invocation made some, and others make the rest. */
  | {
      type: "incomplete";
      made: number;
      /**
       * Segments that weren't requested yet. Empty: other invocations are making the missing ones.
       */
      left: SegmentRange[];
    }
);

/** All segments of the video are announced. `begun`: when its first invocation began. */
type SplitResult = { type: "split"; segments: number; duration: number; begun: Date };

/**
 * Cuts one upload, or a range of its segments, and announces the plan, each segment that is stored,
 * and the end, when all segments are made. Throws `RejectedVideo` for what can't be split, and
 * `signal`'s reason, unless time ran out and segments were made: then the next invocation
 * continues. It always removes its temporary files.
 */
export async function cutVideo(
  upload: eventData.Upload,
  request: CutRequest,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<CutResult> {
  const { media, store, now, makeTemporaryFolder } = dependencies;
  const begun = now();
  const opened = await media.open({
    size: upload.bytes,
    read: (start, end, reading) => store.read(upload.source, start, end, reading),
  });
  let directory: string | undefined;
  try {
    directory = await makeTemporaryFolder();
    const source = await readMedia(opened, upload.videoId, request.isRetry, dependencies, signal);
    const run = await planRun(upload, request, { opened, source, directory }, dependencies, announce, signal);
    const share =
      request.own === undefined
        ? sharing({ run, begun, saveIndex: source.save }, dependencies, announce)
        : async () => {};
    const stopInTime = stoppingInTime(run, dependencies);
    const onAnnounced = async () => {
      await share();
      stopInTime();
    };
    let delivery: Delivery;
    try {
      delivery = await deliverSegments(run, dependencies, announce, signal, onAnnounced);
    } catch (error) {
      // An error after the signal was aborted is a result of it. If no segment was made, the next
      // invocation has to read as much, and would make none either.
      const isOutOfTime = [signal.reason, error].some((reason) => reason instanceof OutOfTimeError);
      if (!isOutOfTime || (run.made.size === 0 && !source.isSaved)) throw error;
      const left = await leftBy(run, begun, dependencies);
      return { type: "incomplete", made: run.made.size, left, rangesStarted: run.rangesStarted, isRangeDone: false };
    }
    return await finish(run, delivery, { scanned: source.scanned, begun }, dependencies, announce, signal);
  } finally {
    await opened.close();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

type OpenedSource = { opened: OpenMedia; source: ReadMedia; directory: string };

/** Plans the cut, announces the plan, and reads from the ledger what is done of it. */
async function planRun(
  upload: eventData.Upload,
  { requested, own }: CutRequest,
  { opened, source, directory }: OpenedSource,
  { ledger, log }: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<CutRun> {
  const { description, scanned } = source;
  let plan = planCut(scanned.index, requested, description.video);
  // Recorded only once it is planned: after a rejection, another choice can be requested.
  const { choice, isFirst } = await ledger.choose(upload.videoId, requested);
  if (choice.segmentSeconds !== requested.segmentSeconds || choice.cut !== requested.cut) {
    log.warn("Keeping the cut chosen by an earlier attempt", { choice, requested });
    plan = planCut(scanned.index, choice, description.video);
  }
  const properties = propertiesOf(description, plan);
  // A range is requested after the plan was announced.
  if (own === undefined)
    await announce("SplitPlanned", eventData.planned(upload, properties, choice, plan, omittedOf(description, plan)));
  log.info("Planned", { segments: plan.segments.length, duration: plan.duration, frames: plan.frames });

  const range = own?.range ?? { first: 0, last: plan.segments.length - 1 };
  const delivered = isFirst ? new Map() : await ledger.delivered(upload.videoId, range, signal);
  if (delivered.size > 0) log.info("Continuing an earlier attempt", { delivered: delivered.size });
  const [known] = delivered.values();
  return {
    ...{ upload, choice, plan, properties, directory, range, delivered },
    extension: nameOf(upload.source.key).extension,
    recorded: own?.recorded,
    made: new Set(),
    rangesStarted: 0,
    stopAfter: undefined,
    unrequested: [],
    taken: range.first - 1,
    container: known?.object ?? own?.recorded,
    reading: { media: source.media, pause: opened.pause, resume: opened.resume, readUpTo: opened.readUpTo },
  };
}

type MeasuredRun = { scanned: ScannedSource; begun: Date };

/** Announces the end, if this run was the last one to make segments. */
async function finish(
  run: CutRun,
  delivery: Delivery,
  { scanned, begun }: MeasuredRun,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<CutResult> {
  const { recorded, made, rangesStarted } = run;
  if (recorded === undefined) {
    const result = await announceSplit(run, delivery, { scanned, begun }, dependencies, announce);
    return { ...result, rangesStarted, isRangeDone: false };
  }
  const after = await finishRange(run, delivery, dependencies, signal);
  const ranges = { rangesStarted, isRangeDone: true };
  if (after.type === "incomplete") return { type: "incomplete", made: made.size, left: after.again, ...ranges };
  const whole = { scanned, begun: new Date(recorded.begunAt * 1_000) };
  return { ...(await announceSplit(run, after.delivery, whole, dependencies, announce)), ...ranges };
}

async function announceSplit(
  { upload, choice, plan, properties }: CutRun,
  delivery: Delivery,
  { scanned, begun }: MeasuredRun,
  { log, ledger, takeUsage }: SplitDependencies,
  announce: Announce,
): Promise<SplitResult> {
  const result = resultOf(plan, delivery, scanned);
  const { segments, duration, truncatedAt } = result;
  if (truncatedAt !== undefined) log.warn("The source can't be read to its end", { until: truncatedAt });
  const used = await ledger.recordUsage(upload.videoId, takeUsage());
  const cost = await ledger.recordCost(upload.videoId, costOf(used));
  const measured = { ...result, cost };
  await announce("VideoSplit", eventData.split(upload, properties, choice, { ...plan, duration }, measured));
  return { type: "split", segments, duration, begun };
}
