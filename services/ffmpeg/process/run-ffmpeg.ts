import ffmpeg from "fluent-ffmpeg";
import { type InputPipe, type OutputPipe, runProgram } from "./program.ts";
import type { SourceAddress } from "./sandbox.ts";

/** At least two words: fluent-ffmpeg splits a single one at its spaces. */
type Options = readonly string[];

/** Options of an output. Null: a pipe that another output's options name. */
type PipeSpec = Options | null;

/** Pipes, or lists of pipes, by name. They become `pipe:3` and up, in this order. */
type PipeSpecs = Readonly<Record<string, PipeSpec | readonly PipeSpec[]>>;

export type FfmpegSpec<Pipes extends PipeSpecs = PipeSpecs> = {
  binary: string;
  /** Working directory, for relative paths. */
  directory: string;
  /** Address of the source, when ffmpeg reads it. */
  source?: SourceAddress;
  /** Aborting it kills ffmpeg. */
  signal: AbortSignal;
  /** An input that is read from a pipe: ffmpeg's first input. */
  pipedInput?: { options: Options };
  /** Files and URLs to read. */
  inputs?: readonly { from: string; options: Options }[];
  /** Files to write. */
  files?: readonly { path: string; options: Options }[];
  /** Outputs that are written to pipes. */
  pipes?: Pipes;
};

/** This process's ends of the pipes. */
export type FfmpegPipes<Spec extends FfmpegSpec> = {
  input: Spec extends { pipedInput: object } ? InputPipe : undefined;
  outputs: {
    [Name in keyof Spec["pipes"]]: Spec["pipes"][Name] extends readonly string[] | null ? OutputPipe : OutputPipe[];
  };
};

const isList = (spec: PipeSpec | readonly PipeSpec[]): spec is readonly PipeSpec[] =>
  Array.isArray(spec) && spec.every((options) => typeof options !== "string");

/** The options of each pipe, in order. */
const inOrder = (specs: PipeSpecs): PipeSpec[] =>
  Object.values(specs).flatMap((spec) => (isList(spec) ? [...spec] : [spec]));

/**
 * Runs one ffmpeg command while `usePipes` writes and reads its pipes. Resolves with ffmpeg's
 * stderr. Errors and abortion are as in `runProgram`.
 */
export async function runFfmpeg<Spec extends FfmpegSpec>(
  spec: Spec,
  usePipes: (pipes: FfmpegPipes<Spec>) => Promise<void> = async () => {},
): Promise<{ stderr: string }> {
  const { binary, directory, source, signal, pipedInput, pipes: specs = {} } = spec;
  const args = await commandLine(spec);
  const stdin = pipedInput !== undefined;
  const pipes = inOrder(specs).length;
  const run = { program: "ffmpeg", binary, args, directory, signal, stdin, pipes } as const;
  return runProgram(source === undefined ? run : { ...run, source }, ({ input, outputs }) => {
    const left = [...outputs];
    const named = Object.entries(specs).map(([name, pipe]) => [
      name,
      isList(pipe) ? left.splice(0, pipe.length) : left.shift(),
    ]);
    return usePipes({ input: stdin ? input : undefined, outputs: Object.fromEntries(named) } as FfmpegPipes<Spec>);
  });
}

/**
 * Internals of fluent-ffmpeg 2.1.3 that are replaced. It's archived and pinned, so they won't
 * change.
 */
type Internals = {
  _checkCapabilities: (done: (error?: Error) => void) => void;
  availableEncoders: (done: (error: null, encoders: object) => void) => void;
  _spawnFfmpeg: (args: string[]) => void;
};

/**
 * The command line that fluent-ffmpeg makes. `runProgram` starts the process, because fluent-ffmpeg
 * passes on this process's environment, opens no further pipes, and throws an error that can't be
 * caught when no process can be started.
 */
function commandLine(spec: FfmpegSpec): Promise<string[]> {
  const command = ffmpeg();
  const internals = command as unknown as Internals;
  // Avoids two processes before each run; a failing run reports the same.
  internals._checkCapabilities = (done) => done();
  internals.availableEncoders = (done) => done(null, {});

  const { pipedInput, inputs = [], files = [], pipes = {} } = spec;
  if (pipedInput !== undefined) command.input("pipe:0").inputOptions(...pipedInput.options);
  for (const { from, options } of inputs) command.input(from).inputOptions(...options);
  for (const { path, options } of files) command.output(path).outputOptions(...options);
  for (const [number, options] of inOrder(pipes).entries())
    if (options !== null) command.output(`pipe:${3 + number}`).outputOptions(...options);

  return new Promise((resolve, reject) => {
    internals._spawnFfmpeg = resolve;
    command.once("error", reject);
    command.run();
  });
}
