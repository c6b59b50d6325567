import { eachLine } from "./lines.ts";
import { runProgram } from "./program.ts";

export type FfprobeRun = {
  binary: string;
  args: string[];
  /** Kills ffprobe. */
  signal: AbortSignal;
  /** Replaced in error messages. */
  secret?: string;
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

/**
 * Runs ffprobe and passes on its stdout line by line, however long it is. Throws what `onLine`
 * throws, and else as `runProgram`. fluent-ffmpeg's own ffprobe() is not used: it collects all
 * output and passes on this process's environment.
 */
export async function runFfprobe({ args, onLine, ...run }: FfprobeRun): Promise<void> {
  // The more particular list comes behind the general one: the last one holds.
  const quiet = ["-hide_banner", "-v", "error", ...args, ...(await openableDecoders(run))];
  await runProgram({ ...run, program: "ffprobe", args: quiet, stdout: true }, async ({ outputs: [stdout] }) =>
    eachLine(stdout!, onLine),
  );
}
