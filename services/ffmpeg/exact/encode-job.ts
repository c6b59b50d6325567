import { type MatroskaTrack, readMatroska } from "../formats/matroska.ts";
import type { InputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import type { Encoder } from "./encoders.ts";

export type EncodeJobOptions = {
  binary: string;
  directory: string;
  encoder: Encoder;
  /** Presentation times, in ticks of the stream that is fed, of the frames that are encoded: first and last of each run. */
  runs: readonly { first: number; last: number }[];
  /** Seconds, of the stream's own clock, at or after which the next frame begins anew: a part of its own. */
  forced: readonly number[];
  signal: AbortSignal;
  onTracks: (tracks: MatroskaTrack[]) => void;
  /** For each encoded frame, in presentation order. */
  onPacket: (data: Buffer) => Promise<void>;
};

export type EncodeJobRun = {
  /** Feeds the next bytes of the fragmented MP4; resolves when there's room for more. */
  write(data: Buffer): Promise<void>;
  /** Says that there are no more; resolves when all frames were handed over. */
  end(): Promise<void>;
};

const selection = (runs: EncodeJobOptions["runs"]): string =>
  `select='${runs.map(({ first, last }) => `between(pts,${first},${last})`).join("+")}'`;

/** Starts decoding what will be written to it and encoding the asked-for frames of it. */
export function startEncodeJob(options: EncodeJobOptions): EncodeJobRun {
  const { binary, directory, encoder, signal, forced } = options;
  let provide: (input: InputPipe) => void = () => {};
  const input = new Promise<InputPipe>((resolve) => {
    provide = resolve;
  });
  let failure: { reason: unknown } | undefined;
  const finished = runFfmpeg(
    {
      binary,
      directory,
      signal,
      pipedInput: {
        options: ["-hide_banner", "-loglevel", "error", "-copyts", ...boundedDecoding, "-noautorotate", "-f", "mp4"],
      },
      pipes: {
        encoded: [
          ...["-map", "0:v:0", "-vf", [selection(options.runs), ...encoder.filters].join(",")],
          ...["-vsync", "passthrough", "-enc_time_base", "-1"],
          ...(forced.length > 0 ? ["-force_key_frames", forced.map((time) => time.toFixed(6)).join(",")] : []),
          ...encoder.options,
          ...["-avoid_negative_ts", "disabled", "-f", "matroska"],
        ],
      },
    },
    async ({ input, outputs }) => {
      provide(input);
      await readMatroska(outputs.encoded, options.onTracks, ({ data }) => options.onPacket(data));
    },
  ).then(
    () => undefined,
    (reason: unknown) => {
      failure = { reason };
    },
  );

  const assertRunning = () => {
    if (failure !== undefined) throw failure.reason;
  };
  return {
    write: async (data) => {
      const writable = await Promise.race([input, finished]);
      assertRunning();
      // Also when ffmpeg has ended: frames that it no longer needs may be left over.
      await writable?.write(data);
    },
    end: async () => {
      const writable = await Promise.race([input, finished]);
      writable?.end();
      await finished;
      assertRunning();
    },
  };
}
