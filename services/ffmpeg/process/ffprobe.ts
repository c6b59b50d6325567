import { eachLine } from "./lines.ts";
import { runProgram } from "./program.ts";
import type { SourceAddress } from "./sandbox.ts";

export type FfprobeRun = {
  binary: string;
  args: string[];
  /** Kills ffprobe. */
  signal: AbortSignal;
  /** Of the source, where it's read. */
  source?: SourceAddress;
  onLine: (line: string) => void;
};

/**
 * Runs ffprobe and passes on its stdout line by line, however long it is. Throws what `onLine`
 * throws, and else as `runProgram`. fluent-ffmpeg's own ffprobe() is not used: it collects all
 * output and passes on this process's environment.
 */
export async function runFfprobe({ args, onLine, ...run }: FfprobeRun): Promise<void> {
  const quiet = ["-hide_banner", "-v", "error", ...args];
  await runProgram({ ...run, program: "ffprobe", args: quiet, stdout: true }, async ({ outputs: [stdout] }) =>
    eachLine(stdout!, onLine),
  );
}
