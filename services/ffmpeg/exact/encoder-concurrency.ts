import { availableParallelism } from "node:os";
import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { encoderBytes, runBytes } from "../assembly/memory-estimate.ts";
import { currentBudget } from "../process/limits.ts";
import type { Encoder } from "./encoders.ts";

/** Each job already uses several threads. */
const MAX_JOBS = 2;

/** x264's default. */
const THREADS_PER_CORE = 1.5;

/** How an encoder is run within the memory limit. */
export type EncoderConcurrency = {
  /** Number of concurrent encoders. */
  jobs: number;
  /** Threads of each encoder; undefined: the encoder's default. */
  threads: number | undefined;
};

/**
 * How many encoders fit into memory, and with how many threads. Undefined when not even one does.
 * `bytesPerFrame`: memory of one frame. `cores`: how many the encoder sees.
 */
export function encoderConcurrency(
  { frames, threadFrames }: Pick<Encoder, "frames" | "threadFrames">,
  bytesPerFrame: number,
  cores: number = availableParallelism(),
): EncoderConcurrency | undefined {
  const defaultThreads = threadFrames === 0 ? 1 : Math.ceil(cores * THREADS_PER_CORE);
  const threadsWithin = (room: number): number => {
    const left = room - runBytes(bytesPerFrame, frames);
    if (left < 0) return 0;
    return threadFrames === 0
      ? defaultThreads
      : Math.min(defaultThreads, Math.floor(left / (threadFrames * bytesPerFrame)));
  };
  const roomFor = (jobs: number): EncoderConcurrency | undefined => {
    const threads = threadsWithin(encoderBytes(bytesPerFrame, jobs));
    if (threads < 1) return undefined;
    return { jobs, threads: threads < defaultThreads ? threads : undefined };
  };
  const several = roomFor(MAX_JOBS);
  return several !== undefined && several.threads === undefined ? several : roomFor(1);
}

/**
 * The error for frames too large to encode. `size` in pixels, as displayed. It's neither retried
 * nor is another encoder tried.
 */
export function tooLargeToEncodeError(size: readonly [number, number]): Error {
  const { programBytes, memoryMB } = currentBudget();
  return limitExceeded(
    `To encode frames of ${size.join(" x ")} pixels takes more memory than the ${megabytes(programBytes)} that ffmpeg may use ` +
      `of the function's ${memoryMB} MB. Request the cut "keyframe", which encodes nothing, or raise video_split.memory_mb.`,
  );
}
