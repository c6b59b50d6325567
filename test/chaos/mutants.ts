import type { RequestFault } from "../../infra/emulator/faults/index.ts";
import type { Mutant } from "../mutants/mutant.ts";
import type { SeriesName } from "./plan.ts";

/** A guard taken out of the functions, to see that chaos notices. */
export type ChaosMutant = Mutant & {
  /** Whether only videos that are cut in ranges show it. */
  isOfRanges?: boolean;
  /**
   * The series whose runs detect it, or some of its runs: those with one fault, of one video, or
   * the first ones. Default: seeded runs.
   */
  seenBy?: { series: SeriesName; fault?: RequestFault; video?: number; positions?: number };
};

export const MUTANTS: readonly ChaosMutant[] = [
  {
    name: "source-failure",
    without: "A source that can't be fetched is distinguished from one that ends.",
    seenBy: { series: "sources", fault: "S3 fails in mid-read" },
    edits: [{ file: "services/ffmpeg/source/checked-source.ts", from: "      failing.abort(failure);\n", to: "" }],
  },
  {
    name: "same-object",
    without: "Every range that is read is of the same object.",
    seenBy: { series: "sources", fault: "S3 object overwritten" },
    edits: [{ file: "services/aws/ranged-read.ts", from: "    IfMatch: ", to: "    IgnoredByS3: " }],
  },
  {
    name: "killed-process",
    without: "A process that was killed says nothing about the file.",
    seenBy: { series: "sources", fault: "ffmpeg killed" },
    edits: [
      {
        file: "services/ffmpeg/process/errors.ts",
        from: "(isKilled ? ProcessKilledError : FfmpegError)",
        to: "(isKilled && program.length === 0 ? ProcessKilledError : FfmpegError)",
      },
    ],
  },
  {
    name: "stall",
    without: "A read that brings no byte for some time is given up and sent again.",
    seenBy: { series: "sources", fault: "S3 body stalls", positions: 1 },
    edits: [
      {
        file: "services/aws/retrying-fetch.ts",
        from: "attemptWithin(Math.max(1, Math.min(maxIdleMs, left)), ",
        to: "attemptWithin(2 ** 30 + maxIdleMs, ",
      },
    ],
  },
  {
    name: "take-over",
    without: "A retry takes over from the killed attempt of its own invocation.",
    edits: [
      {
        file: "services/aws/idempotency.ts",
        from: "OR #owner = :owner)",
        to: "OR (#owner = :owner AND attribute_not_exists(id)))",
      },
    ],
  },
  {
    name: "once",
    without: "A duplicate leaves alone what another delivery is doing.",
    edits: [
      {
        file: "services/runtime/once.ts",
        from: "if (error instanceof IdempotencyAlreadyInProgressError) return { busyWith: persistence.requestHashOfOwner };",
        to: "if (error instanceof IdempotencyAlreadyInProgressError) return { result: (await work()).result };",
      },
    ],
  },
  {
    name: "quiet-duplicate",
    without: "A duplicate of what is being done ends well, and not as a dead letter.",
    edits: [
      {
        file: "services/runtime/once.ts",
        from: "if (error instanceof IdempotencyAlreadyInProgressError) return { busyWith: persistence.requestHashOfOwner };",
        to: "",
      },
    ],
  },
  {
    name: "refused-entries",
    without: "An entry that PutEvents refuses is put again.",
    edits: [
      {
        file: "services/aws/event-publisher.ts",
        from: "if (result?.EventId !== undefined && result.ErrorCode === undefined) {",
        to: "if (result !== undefined) {",
      },
    ],
  },
  {
    name: "conditional-write",
    without: "A document is only written if it hasn't changed since it was read.",
    seenBy: { series: "writes" },
    edits: [
      {
        file: "services/aws/video-documents.ts",
        from: "else update.expect(attribute, old);",
        to: 'else if (attribute === "VideoId" && old !== undefined) update.expect(attribute, old);',
      },
      {
        file: "services/aws/conditional-update.ts",
        from: 'ConditionExpression: this.#conditions.join(" AND "),',
        to: 'ConditionExpression: this.#conditions.join(" AND ") || undefined,',
      },
    ],
  },
  {
    name: "join",
    without: "Events are merged into the document, in whatever order they come.",
    edits: [
      {
        file: "services/projector/domain/merge.ts",
        from: "  if (document === undefined) return update;\n  if (document.process_step !== update.process_step) throw new DocumentKindError(document, update.process_step);\n  const creation_time",
        to: "  if (Date.now() > 0) return update;\n  const creation_time",
      },
    ],
  },
  {
    name: "event-ids",
    without: "The same fact has the same id whenever it is announced.",
    edits: [
      {
        file: "events-schema/src/ids.ts",
        from: "JSON.stringify([correlationId, type, distinction ?? null])",
        to: "JSON.stringify([correlationId, type, distinction ?? null, Math.random()])",
      },
    ],
  },
  {
    name: "own-claim",
    without: "A claim whose answer was lost is known again as one's own.",
    edits: [
      {
        file: "services/aws/ledger.ts",
        from: "return Claim.parse(taken.Item).source === source;",
        to: "return false;",
      },
    ],
  },
  {
    name: "unannounced",
    without: "A segment that was uploaded and not announced is announced by the next attempt.",
    edits: [
      {
        file: "services/split/deliver-segments.ts",
        from: "filter(([, { announced }]) => !announced)",
        to: "filter(() => false)",
      },
    ],
  },
  {
    name: "resume",
    without: "A retry doesn't upload segments again that are stored already.",
    // The others have three segments, as many as may be stored again.
    seenBy: { series: "kills", fault: "function killed after a request", video: 1 },
    edits: [
      {
        file: "services/split/cut-video.ts",
        from: "isFirst ? new Map()",
        to: "isFirst || range.last >= 0 ? new Map()",
      },
    ],
  },
  {
    name: "own-range",
    without: "An invocation that has divided a video cuts its own range only.",
    isOfRanges: true,
    edits: [
      { file: "services/split/ranges.ts", from: "    run.range = ranges[0]!;\n", to: "" },
      { file: "services/split/ranges.ts", from: "  run.range = own!;\n", to: "" },
    ],
  },
  {
    name: "last-range",
    without: "The end is announced by the invocation after which no segment is missing.",
    isOfRanges: true,
    edits: [
      {
        file: "services/split/ranges.ts",
        from: "if (unfinished(recorded).length > 0)",
        to: "if (recorded.ranges.length === 0)",
      },
      {
        file: "services/split/ranges.ts",
        from: "if (proofs.length === plan.segments.length)",
        to: "if (proofs.length > 0)",
      },
    ],
  },
  {
    name: "requested-again",
    without: "A retry of the invocation that divided a video requests the ranges again.",
    isOfRanges: true,
    edits: [
      {
        file: "services/split/split-video.ts",
        from: "    missing: again.map(requestOf),\n",
        to: "",
      },
    ],
  },
];
