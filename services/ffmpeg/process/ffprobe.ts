import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { eachLine } from "./lines.ts";
import { type OutputPipe, runProgram } from "./program.ts";
import type { SourceAddress } from "./sandbox.ts";

export type FfprobeRun = {
  binary: string;
  args: string[];
  /** Aborting it kills ffprobe. */
  signal: AbortSignal;
  /** Address of the source, when ffprobe reads it. */
  source?: SourceAddress;
  /** Limit of CPU time in seconds. Default: none. */
  cpuSeconds?: number;
  /** Limit of its output in bytes. Default: none; lines aren't collected. */
  outputBytes?: number;
  onLine: (line: string) => void;
};

type Program = Pick<FfprobeRun, "binary" | "signal">;

/** The decoders of each ffprobe binary, by its path. */
const DECODERS = new Map<string, string>();

async function decodersOf({ binary, signal }: Program): Promise<string> {
  const known = DECODERS.get(binary);
  if (known !== undefined) return known;
  const names: string[] = [];
  const args = ["-v", "error", "-decoders"];
  await runProgram({ binary, signal, program: "ffprobe", args, stdout: true }, ({ outputs: [stdout] }) =>
    eachLine(stdout!, (line) => names.push(...(/^ [VAS][.A-Z]{5} ([a-z]\S*)/.exec(line)?.slice(1) ?? []))),
  );
  DECODERS.set(binary, names.join(","));
  return names.join(",");
}

/**
 * ffprobe opens a decoder for each track, although it decodes nothing with it, and fails when one
 * isn't in `-codec_whitelist`. These options apply to the decoders of one track type only;
 * libavformat, which decodes to find parameters, keeps the sandbox's list.
 */
async function openableDecoders(program: Program): Promise<string[]> {
  const names = await decodersOf(program);
  return names === "" ? [] : ["v", "a", "s"].flatMap((kind) => [`-${kind}codec_whitelist`, names]);
}

const QUIET = ["-hide_banner", "-v", "error"];

/** Each decoder decodes one frame at most. */
const ONE_THREAD = ["-threads", "1"];

/** The content of a pipe. Throws `RejectedVideo` (LimitExceeded) beyond `maxBytes`. */
async function* bounded(pipe: OutputPipe, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of pipe) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw limitExceeded(
        `The metadata of the file's tracks and tags is larger than ${megabytes(maxBytes)}. ` +
          'Export it without tags: "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy -map_metadata -1 EXPORTED", and upload that.',
      );
    yield chunk;
  }
}

/**
 * Runs ffprobe and passes on its stdout line by line. Resolves with the last lines of its stderr.
 * Throws what `onLine` throws, `RejectedVideo`
 * (LimitExceeded) beyond `outputBytes`, and otherwise as `runProgram`. fluent-ffmpeg's ffprobe()
 * isn't used: it collects all output and passes on this process's environment.
 */
export async function runFfprobe({ args, onLine, outputBytes, ...run }: FfprobeRun): Promise<{ stderr: string }> {
  // The last `-codec_whitelist` that matches a decoder counts.
  const all = [...QUIET, ...ONE_THREAD, ...args, ...(await openableDecoders(run))];
  return runProgram({ ...run, program: "ffprobe", args: all, stdout: true }, async ({ outputs: [stdout] }) =>
    eachLine(outputBytes === undefined ? stdout! : bounded(stdout!, outputBytes), onLine),
  );
}
