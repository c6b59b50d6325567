import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlannedPacket } from "../../services/split/domain/cut-plan.ts";
import type {
  Container,
  CutEnding,
  CutJob,
  MadeSegment,
  MediaDescription,
  MediaTools,
} from "../../services/split/ports/media-tools.ts";
import { ServiceError, SourceFetchError, type SourceUnavailableError } from "../../services/video/errors.ts";

/** What a fake source is, and how its cut ends. */
export type MediaScript = {
  description: MediaDescription;
  packets: readonly PlannedPacket[];
  /** Whether the file ends before what it says it holds. */
  truncated: boolean;
  /** Muxers that can't hold the tracks. */
  refused: readonly string[];
  /** What the cut throws after this many segments. */
  failsAfter: { segments: number; error: unknown } | undefined;
  /** How the cut ends after this many segments. */
  endsAfter: { segments: number; ending: CutEnding } | undefined;
  /** How many frames a segment holds, by the planned number. */
  framesIn: (index: number, planned: number) => number;
  onPause: () => void;
  onResume: () => void;
  onReadUpTo: (segment: number) => void;
};

const CONTAINERS: Container[] = [
  { muxer: "mp4", extension: "mp4", contentType: "video/mp4" },
  { muxer: "matroska", extension: "mkv", contentType: "video/x-matroska" },
];

/** Larger than it is, so that a few of them make a backlog. */
const SEGMENT_BYTES = 50_000_000;

type Source = Parameters<MediaTools["open"]>[0];

/** Reads bytes `start` to `end` of the source. Throws as the port says where they don't come whole. */
async function fetch(source: Source, start: number, end: number, signal: AbortSignal): Promise<void> {
  let received = 0;
  try {
    for await (const chunk of source.read(start, end, signal)) received += chunk.length;
    if (!signal.aborted && received < end - start + 1) throw new SourceFetchError(`only ${received} bytes came`);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ServiceError ? error : new SourceFetchError(String(error), { cause: error });
  }
  signal.throwIfAborted();
}

async function* cut(
  script: MediaScript,
  source: Source,
  { container, cut: planned, from, last, directory, signal }: CutJob,
): AsyncGenerator<MadeSegment, CutEnding, undefined> {
  if (script.refused.includes(container.muxer))
    return { type: "impossible", reason: "UnreadableMedia", detail: `${container.muxer} can't` };
  const segments = planned.kind === "keyframe" ? planned.segments : planned.plan.segments;
  const share = (index: number): number => Math.floor((source.size * index) / segments.length);
  for (const { index, start, end } of segments.slice(0, last + 1)) {
    if (script.endsAfter?.segments === index) return script.endsAfter.ending;
    if (script.failsAfter?.segments === index) throw script.failsAfter.error;
    try {
      await fetch(source, share(index), share(index + 1) - 1, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { type: "not fetched", error: error as SourceFetchError | SourceUnavailableError };
    }
    if (index < from) continue;
    const path = join(directory, `${index}.${container.extension}`);
    await writeFile(path, "x");
    const plannedFrames = script.packets.filter(({ time }) => time >= start && time < end).length;
    const frames = script.framesIn(index, plannedFrames);
    const proof = {
      frames,
      undecodable: 0,
      copiedFrames: frames,
      start,
      end,
      largestTimeError: 0,
      largestAudioOffset: 0.0005,
    };
    yield { index, path, bytes: SEGMENT_BYTES, made: "copied", codec: "h264", audioCodecs: [], proof };
  }
  return { type: "complete" };
}

/** Media tools that make of any source what the script says. They read the source as the real ones do. */
export const fakeMediaTools = (script: MediaScript): MediaTools => ({
  open: async (source) => ({
    describe: async (signal) => {
      await fetch(source, 0, 0, signal);
      return {
        description: script.description,
        scan: async (scanning, onPacket) => {
          await fetch(source, 0, source.size - 1, scanning);
          script.packets.forEach(onPacket);
          return { truncated: script.truncated };
        },
        containers: () => CONTAINERS,
        cut: (job) => cut(script, source, job),
      };
    },
    pause: script.onPause,
    resume: script.onResume,
    readUpTo: script.onReadUpTo,
    close: async () => {},
  }),
});
