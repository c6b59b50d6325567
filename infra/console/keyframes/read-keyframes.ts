import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import type { Keyframes } from "../api/types.ts";
import type { SourceObject } from "./source-object.ts";
import type { FromWorker, ToWorker, WorkerInput } from "./worker.ts";

/** What reading the keyframes of one file may take. */
export type KeyframeLimits = {
  /** From its start to its answer. */
  milliseconds: number;
  /** Bytes that are read of the file. */
  bytes: number;
  /** Megabytes of JavaScript objects that its parser may hold. */
  heapMegabytes: number;
  /** Times in the answer. A file with more keyframes has every second one, every fourth one, and so on. */
  times: number;
};

export const LIMITS: KeyframeLimits = { milliseconds: 10_000, bytes: 64_000_000, heapMegabytes: 512, times: 20_000 };

const WORKER = new URL("./worker.ts", import.meta.url);

/** S3's errors for an object that isn't there any more, or is another one. */
const GONE = ["NoSuchKey", "NotFound", "PreconditionFailed"];

const unknown = (why: string): Keyframes => ({ known: false, why });

const whyUnread = ({ name }: Error): string =>
  GONE.includes(name) ? "the source was deleted or replaced" : `the source can't be read (${name})`;

const oneAtATime = pLimit(1);

/**
 * Keyframes of a source as its container marks them. A file may be made to take any time and memory
 * of its parser, so that runs in a thread, which is ended at a limit. Rejects only when `signal` is
 * aborted.
 */
export const readKeyframes = (source: SourceObject, signal: AbortSignal, limits = LIMITS): Promise<Keyframes> =>
  oneAtATime(() => readInWorker(source, signal, limits));

async function readInWorker(source: SourceObject, signal: AbortSignal, limits: KeyframeLimits): Promise<Keyframes> {
  signal.throwIfAborted();
  const { bytes, duration } = source;
  const workerData: WorkerInput = { bytes, duration, maxBytes: limits.bytes, maxTimes: limits.times };
  const worker = new Worker(WORKER, { workerData, resourceLimits: { maxOldGenerationSizeMb: limits.heapMegabytes } });
  const ended = new AbortController();
  const timeout = AbortSignal.timeout(limits.milliseconds);
  try {
    return await new Promise<Keyframes>((resolve, reject) => {
      const fail = (why: string) => resolve(unknown(why));
      const listening = { once: true, signal: ended.signal };
      signal.addEventListener("abort", () => reject(signal.reason), listening);
      timeout.addEventListener("abort", () => fail("reading them takes too long"), listening);
      worker.once("error", () => fail("the file's index is damaged, or takes too much memory"));
      let readBytes = 0;
      worker.on("message", (message: FromWorker) => {
        if (message.type === "found") return resolve(message.keyframes);
        const { id, start, end } = message;
        readBytes += end - start;
        if (readBytes > limits.bytes) return fail("too much of the file would have to be read for them");
        source.read(start, end, ended.signal).then(
          (content) => worker.postMessage({ id, content } satisfies ToWorker),
          (error: Error) => fail(whyUnread(error)),
        );
      });
    });
  } finally {
    ended.abort();
    await worker.terminate();
  }
}
