import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { eachLine } from "./lines.ts";
import { type OutputPipe, runProgram } from "./program.ts";
import type { SourceAddress } from "./sandbox.ts";

export type FfprobeRun = {
  binary: string;
  args: string[];
  /** Kills ffprobe. */
  signal: AbortSignal;
  /** Of the source, where it's read. */
  source?: SourceAddress;
  /** Seconds of CPU that it may take. Default: as many as it takes. */
  cpuSeconds?: number;
  /** Bytes that it may write. Default: as many as it does; lines are passed on as they come. */
  outputBytes?: number;
  onLine: (line: string) => void;
};

type Program = Pick<FfprobeRun, "binary" | "signal">;

/** Names of a program's decoders, by its path. */
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
 * ffprobe opens a decoder for each track, though it decodes nothing with it, and refuses the whole
 * file where one isn't in `-codec_whitelist`. Set for each kind of track, the list holds for these
 * alone; libavformat, which does decode to find parameters, keeps the sandbox's list.
 */
async function openableDecoders(program: Program): Promise<string[]> {
  const names = await decodersOf(program);
  return names === "" ? [] : ["v", "a", "s"].flatMap((kind) => [`-${kind}codec_whitelist`, names]);
}

const QUIET = ["-hide_banner", "-v", "error"];

/** It opens a decoder for each track, and of each it decodes a picture at most. */
const ONE_THREAD = ["-threads", "1"];

/** What comes of a pipe, up to so many bytes. Throws `RejectedVideo` (LimitExceeded) for more. */
async function* bounded(pipe: OutputPipe, most: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of pipe) {
    bytes += chunk.length;
    if (bytes > most)
      throw limitExceeded(
        `The file's headers say more than ${megabytes(most)} of its tracks and tags. ` +
          'Export it without tags: "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy -map_metadata -1 EXPORTED", and upload that.',
      );
    yield chunk;
  }
}

/**
 * Runs ffprobe and passes on its stdout line by line, however long it is. Throws what `onLine`
 * throws, `RejectedVideo` (LimitExceeded) for more than `outputBytes`, and else as `runProgram`.
 * fluent-ffmpeg's own ffprobe() is not used: it collects all output and passes on this process's
 * environment.
 */
export async function runFfprobe({ args, onLine, outputBytes, ...run }: FfprobeRun): Promise<void> {
  // The more particular list comes behind the general one: the last one holds.
  const all = [...QUIET, ...ONE_THREAD, ...args, ...(await openableDecoders(run))];
  await runProgram({ ...run, program: "ffprobe", args: all, stdout: true }, async ({ outputs: [stdout] }) =>
    eachLine(outputBytes === undefined ? stdout! : bounded(stdout!, outputBytes), onLine),
  );
}
