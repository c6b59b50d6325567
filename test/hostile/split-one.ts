import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DEFAULT_EXTENSIONS } from "../../infra/settings.ts";
import { ffmpegMediaTools } from "../../services/ffmpeg/index.ts";
import type { SplitDependencies } from "../../services/split/dependencies.ts";
import { splitVideo } from "../../services/split/split-video.ts";
import { NO_USAGE } from "../../services/video/usage.ts";
import { fakePublisher } from "../fakes/event-publisher.ts";
import { fakeLedger, sha256 } from "../fakes/ledger.ts";
import { fakeMediaStore } from "../fakes/media-store.ts";
import { fakeOnce } from "../fakes/once.ts";
import { fakeSavedIndexes } from "../fakes/saved-indexes.ts";
import { binaries } from "../fixtures/media.ts";
import { NEVER, quietLog } from "../fixtures/quiet.ts";
import { isCut } from "./cuts.ts";

/**
 * Splits one file with the service's own use case and the real ffmpeg, as one invocation does, and
 * prints what came of it as a line of JSON: `node split-one.ts FILE CUT SECONDS`. A process of its
 * own, so that its memory is that of one split.
 */

/** What came of one split. */
export type SplitReport = {
  /** "split in N", a rejection's reason, or the error that would be retried. */
  outcome: string;
  message: string;
  /** The longest time for which the event loop was blocked. */
  blockedMs: number;
};

const [file = "", cut = "", seconds = "1"] = process.argv.slice(2);
if (!isCut(cut)) throw new Error(`The cut is "${cut}"; it must be keyframe or exact`);

/** How finely blocking is measured. */
const RESOLUTION_MS = 10;

const folder = await mkdtemp(join(tmpdir(), "video-split-hostile-"));
const { size } = await stat(file);
const { store } = fakeMediaStore();
const publisher = fakePublisher();
const bucket = "uploads";
const key = `uploads/${basename(file)}`;
const source = { bucket, key, etag: "e", versionId: undefined };
const dependencies: SplitDependencies = {
  store: {
    ...store,
    describe: async () => ({ source, bytes: size, metadata: {}, unavailable: undefined }),
    read: async function* (_source, start, end, signal) {
      for await (const chunk of createReadStream(file, { start, end, highWaterMark: 2 ** 18 })) {
        if (signal.aborted) return;
        yield chunk as Buffer;
      }
    },
    upload: async () => `sha256:${"0".repeat(64)}`,
  },
  publisher,
  ledger: fakeLedger(),
  indexes: fakeSavedIndexes(),
  media: ffmpegMediaTools(await binaries),
  once: fakeOnce().invocation("m", 900_000),
  log: quietLog,
  measure: () => {},
  takeUsage: () => ({ ...NO_USAGE, invocations: 1 }),
  hash: sha256,
  now: () => new Date(),
  secondsLeft: () => Number.POSITIVE_INFINITY,
  makeTemporaryFolder: () => mkdtemp(join(folder, "run-")),
  settings: {
    uploadKeyPrefix: "uploads/",
    acceptedExtensions: DEFAULT_EXTENSIONS,
    outputBucket: "segments",
    outputKeyPrefix: "out/",
    outputKeyRoot: "out/",
    segmentSeconds: Number(seconds),
    cut,
    largestObjectBytes: 2 ** 40,
    maxConcurrentRanges: 1,
  },
};

const request = {
  ...{ bucket, key, etag: "e", versionId: undefined, bytes: size, explicit: true, messageId: randomUUID() },
  ...{
    segmentSeconds: undefined,
    cut: undefined,
    outputKeyPrefix: undefined,
    continuation: undefined,
    fault: undefined,
  },
};
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
const report: SplitReport = { outcome: "", message: "", blockedMs: 0 };
try {
  const outcome = await splitVideo(request, dependencies, NEVER);
  report.outcome = outcome.outcome;
  if (outcome.outcome === "split") report.outcome = `split in ${outcome.segments}`;
  if (outcome.outcome === "rejected") {
    report.outcome = outcome.reason;
    const last = publisher.events.at(-1)?.data as { rejection?: { message: string } } | undefined;
    report.message = last?.rejection?.message ?? "";
  }
} catch (error) {
  report.outcome = `would be retried: ${error instanceof Error ? error.name : "?"}`;
  report.message = String(error);
} finally {
  await rm(folder, { recursive: true, force: true });
}
report.blockedMs = Math.round(delay.max / 1e6) - RESOLUTION_MS;
process.stdout.write(`${JSON.stringify(report)}\n`);
