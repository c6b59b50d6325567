import ffmpeg from "fluent-ffmpeg";
import { type InputPipe, type OutputPipe, runProgram } from "./program.ts";
import type { SourceAddress } from "./sandbox.ts";

/** Two words at least: fluent-ffmpeg splits a lone one that has a space in it. */
type Options = readonly string[];

/**
 * An output's options. Null: no output of its own, but a pipe that another output's options name.
 */
type PipeSpec = Options | null;

/**
 * Pipes by name, or lists of pipes. They are `pipe:3` and up, in the order in which they stand
 * here.
 */
type PipeSpecs = Readonly<Record<string, PipeSpec | readonly PipeSpec[]>>;

export type FfmpegSpec<Pipes extends PipeSpecs = PipeSpecs> = {
  binary: string;
  /** Relative paths are below it. */
  directory: string;
  /** Of the source, where it's read. */
  source?: SourceAddress;
  /** Kills ffmpeg. */
  signal: AbortSignal;
  /** An input that is read from a pipe. It's ffmpeg's first. */
  pipedInput?: { options: Options };
  /** Files and addresses to read. */
  inputs?: readonly { from: string; options: Options }[];
  /** Files to write. */
  files?: readonly { path: string; options: Options }[];
  /** What else it writes. */
  pipes?: Pipes;
};

/** The ends of a run's pipes that are ours. */
export type FfmpegPipes<Spec extends FfmpegSpec> = {
  input: Spec extends { pipedInput: object } ? InputPipe : undefined;
  outputs: {
    [Name in keyof Spec["pipes"]]: Spec["pipes"][Name] extends readonly string[] | null ? OutputPipe : OutputPipe[];
  };
};

const isList = (spec: PipeSpec | readonly PipeSpec[]): spec is readonly PipeSpec[] =>
  Array.isArray(spec) && spec.every((options) => typeof options !== "string");

/** One for each pipe, in their order. */
const inOrder = (specs: PipeSpecs): PipeSpec[] =>
  Object.values(specs).flatMap((spec) => (isList(spec) ? [...spec] : [spec]));

/**
 * Runs one ffmpeg command to its end, while `usePipes` feeds and reads its pipes. Resolves with what
 * ffmpeg wrote to stderr. Errors, and what becomes of a run that is aborted, are those of
 * `runProgram`.
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

/** What is replaced in fluent-ffmpeg 2.1.3. It's archived and pinned, so these won't move. */
type Internals = {
  _checkCapabilities: (done: (error?: Error) => void) => void;
  availableEncoders: (done: (error: null, encoders: object) => void) => void;
  _spawnFfmpeg: (args: string[]) => void;
};

/**
 * The arguments that fluent-ffmpeg makes of the command. The process is started by `runProgram`:
 * fluent-ffmpeg would pass on this process's environment, opens no pipe beyond stderr, and throws
 * out of everybody's reach where no process can be started.
 */
function commandLine(spec: FfmpegSpec): Promise<string[]> {
  const command = ffmpeg();
  const internals = command as unknown as Internals;
  // Two more processes before each run, to find out what a failing run reports just as well.
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
