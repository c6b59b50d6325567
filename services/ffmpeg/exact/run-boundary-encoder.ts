import type { Ranks } from "../../split/domain/exact-segment.ts";
import { readMatroska } from "../formats/matroska/reader.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import type { Encoder } from "./encoders.ts";
import { StitchError } from "./stitch-error.ts";

export type BoundaryEncoderRun = {
  binary: string;
  directory: string;
  encoder: Encoder;
  signal: AbortSignal;
  /** A fragmented MP4 that starts with a keyframe and contains every frame to encode. */
  source: AsyncIterable<Buffer>;
  /** The frames to encode, in presentation order. Each run begins with a keyframe. */
  runs: readonly Ranks[];
  /** Presentation time of a frame, in ticks of `source`. */
  tickOf: (rank: number) => number;
  ticksPerSecond: number;
  /** Called for each encoded frame, in presentation order; `configuration` is avcC or hvcC. */
  onFrame: (run: Ranks, frame: Buffer, configuration: Buffer) => Promise<void>;
};

const QUIET = ["-hide_banner", "-loglevel", "error"];

/** Matroska keeps milliseconds. */
const ROUNDING_SECONDS = 0.0011;

const sizeOf = ({ from, to }: Ranks): number => to - from;

/** Merges adjacent runs. */
function mergeAdjacent(runs: readonly Ranks[]): Ranks[] {
  const merged: Ranks[] = [];
  for (const run of runs) {
    const last = merged.at(-1);
    if (last?.to === run.from) last.to = run.to;
    else merged.push({ ...run });
  }
  return merged;
}

const selection = ({ runs, tickOf }: BoundaryEncoderRun): string =>
  `select='${mergeAdjacent(runs)
    .map(({ from, to }) => `between(pts,${tickOf(from)},${tickOf(to - 1)})`)
    .join("+")}'`;

/** Times halfway between the first frame of a run and the frame before. */
function forcedKeyframes({ runs, tickOf, ticksPerSecond }: BoundaryEncoderRun): string[] {
  const times = runs.slice(1).map(({ from }) => (tickOf(from) + tickOf(Math.max(0, from - 1))) / 2 / ticksPerSecond);
  return times.length > 0 ? ["-force_key_frames", times.map((time) => time.toFixed(6)).join(",")] : [];
}

/** Options of the output with the encoded runs. `cropped`: filters that give the frames their size. */
export const boundaryOutput = (encoding: BoundaryEncoderRun, cropped: readonly string[] = []): string[] => [
  ...["-map", "0:v:0", "-vf", [selection(encoding), ...cropped, ...encoding.encoder.filters].join(",")],
  ...["-vsync", "passthrough", "-enc_time_base", "-1"],
  ...forcedKeyframes(encoding),
  ...encoding.encoder.options,
  ...["-avoid_negative_ts", "disabled", "-f", "matroska"],
];

/** Options of the input, which is `BoundaryEncoderRun.source`. */
export const boundaryInput = (): string[] => [
  ...QUIET,
  "-copyts",
  ...boundedDecoding,
  ...["-noautorotate", "-f", "mp4"],
];

/**
 * Passes on the encoded runs from the output. Throws `StitchError` when there are more, fewer or
 * other frames than requested.
 */
export async function readEncodedRuns(encoding: BoundaryEncoderRun, pipe: OutputPipe): Promise<void> {
  const { runs, tickOf, ticksPerSecond, onFrame } = encoding;
  let run = 0;
  let encoded = 0;
  let configuration: Buffer | undefined;
  const receive = async (frame: Buffer, time: number): Promise<void> => {
    const ranks = runs[run];
    if (ranks === undefined) throw new StitchError("the encoder returned more frames than requested");
    if (configuration === undefined) throw new StitchError("the encoder wrote no configuration");
    const expected = tickOf(ranks.from + encoded) / ticksPerSecond;
    if (Math.abs(time - expected) > ROUNDING_SECONDS)
      throw new StitchError(`the encoder returned a frame at ${time} s instead of ${expected} s`);
    await onFrame(ranks, frame, configuration);
    encoded += 1;
    if (encoded < sizeOf(ranks)) return;
    encoded = 0;
    run += 1;
  };
  const onTracks = ([track]: { codecPrivate: Buffer | undefined }[]) => {
    configuration = track?.codecPrivate;
  };
  await readMatroska(pipe, onTracks, ({ data, time }) => receive(data, time));
  if (run < runs.length)
    throw new StitchError(`${run} of ${runs.length} runs of frames around a boundary could be encoded`);
}

/**
 * Decodes a group of pictures and re-encodes some of its frames. Resolves when all of them were
 * passed on. Throws `StitchError` when the encoder returns more, fewer or other frames than requested.
 */
export async function runBoundaryEncoder(encoding: BoundaryEncoderRun): Promise<void> {
  const { binary, directory, signal, source } = encoding;
  const pipedInput = { options: boundaryInput() };
  await runFfmpeg(
    { binary, directory, signal, pipedInput, pipes: { encoded: boundaryOutput(encoding) } },
    async ({ input, outputs }) => {
      const feed = async () => {
        for await (const data of source) await input.write(data);
        input.end();
      };
      await Promise.all([feed(), readEncodedRuns(encoding, outputs.encoded)]);
    },
  );
}
