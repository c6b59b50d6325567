import { availableParallelism } from "node:os";
import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { encoderBytes, runBytes } from "../assembly/memory-estimate.ts";
import { currentBudget } from "../process/limits.ts";
import type { Encoder } from "./encoders.ts";

/** Decoding and encoding at the same time: each uses several threads already. */
const MAX_JOBS = 2;

/** As x264 has it by default. */
const THREADS_PER_CORE = 1.5;

/** How an encoder is run so that it fits into the memory. */
export type EncoderConcurrency = {
  /** Encoders at the same time. */
  jobs: number;
  /** Of each encoder; undefined: as many as it takes by itself. */
  threads: number | undefined;
};

/**
 * How many encoders fit, and with how many threads. Undefined where not even one does. `frame`: bytes
 * of one picture. `cores`: how many the encoder sees.
 */
export function encoderConcurrency(
  { frames, threadFrames }: Pick<Encoder, "frames" | "threadFrames">,
  bytesPerFrame: number,
  cores: number = availableParallelism(),
): EncoderConcurrency | undefined {
  const usual = threadFrames === 0 ? 1 : Math.ceil(cores * THREADS_PER_CORE);
  const threadsIn = (room: number): number => {
    const left = room - runBytes(bytesPerFrame, frames);
    if (left < 0) return 0;
    return threadFrames === 0 ? usual : Math.min(usual, Math.floor(left / (threadFrames * bytesPerFrame)));
  };
  const roomFor = (jobs: number): EncoderConcurrency | undefined => {
    const threads = threadsIn(encoderBytes(bytesPerFrame, jobs));
    if (threads < 1) return undefined;
    return { jobs, threads: threads < usual ? threads : undefined };
  };
  const several = roomFor(MAX_JOBS);
  return several !== undefined && several.threads === undefined ? several : roomFor(1);
}

/** `size` in pixels, as displayed. Neither retried nor encoded in another way. */
export function tooLargeToEncodeError(size: readonly [number, number]): Error {
  const { programBytes, memoryMB } = currentBudget();
  return limitExceeded(
    `A picture of ${size.join(" x ")} pixels takes more memory to encode than the ${megabytes(programBytes)} that ffmpeg may use ` +
      `of the function's ${memoryMB} MB. Ask for the cut "keyframe", which encodes nothing, or raise video_split.memory_mb.`,
  );
}
