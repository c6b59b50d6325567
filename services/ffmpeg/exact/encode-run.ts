import type { EncoderRun } from "../../split/domain/encoder-runs.ts";
import type { ExactPlan } from "../../split/domain/exact-segment.ts";
import { isMediaFault } from "../../video/errors.ts";
import { type MatroskaHeader, matroskaCluster } from "../formats/matroska/writer.ts";
import { type Clock, readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding, DETERMINISTIC_DECODING } from "../process/sandbox.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { ByteQueue } from "./byte-queue.ts";
import { DecodedFrameTimes } from "./decoded-frame-times.ts";
import type { EncodedSegmentWriter } from "./encoded-segment-writer.ts";
import { type Encoder, SOURCE_CLOCK } from "./encoders.ts";
import { ANY_ERRORS, encoderOutputs, readEncoded, SELECTED_EARLIER_SECONDS } from "./read-encoded.ts";

/**
 * Added to the times of what an encoder gets, which count from the first video frame: packets before
 * that frame have negative ones. A whole number of ticks of any usual clock, 1001:30000 too.
 */
const OFFSET_SECONDS = 1_001;

/** `OFFSET_SECONDS` in ticks. */
export const ticksOfOffset = ({ num, den }: Clock): number => Math.round((OFFSET_SECONDS * den) / num);

/** A packet of the source, for an encoder. */
export type FedPacket = {
  /** In decode order. */
  number: number;
  clock: Clock;
  /** Presentation time: ticks from the first video frame, with `OFFSET_SECONDS`. */
  ticks: number;
  key: boolean;
  data: Buffer;
  /** Its Matroska BlockAdditions, such as transparency. */
  additions: Buffer | undefined;
};

export type RunEncoding = {
  binary: string;
  directory: string;
  encoder: Encoder;
  /** Format of the source's video. */
  videoFormat: VideoFormat;
  run: EncoderRun;
  plan: ExactPlan;
  /** Describes the video that it gets. */
  header: MatroskaHeader;
  /** The source's clock. */
  clock: Clock;
  /** Adds the source's mastering metadata to a keyframe. */
  mastering: (keyframe: Buffer) => Buffer;
  writer: EncodedSegmentWriter;
  signal: AbortSignal;
};

const QUIET = ["-hide_banner", "-loglevel", "error"];

const MICROSECONDS = 1_000_000;

/** Packets that wait for the encoder. */
const MAX_QUEUED_BYTES = 1024 * 1024;

/** Encodes the segments of one run. */
export class RunEncoder {
  readonly #encoding: RunEncoding;
  readonly #queue: ByteQueue;
  readonly #done: Promise<void>;
  #failure: { reason: unknown } | undefined;
  #frames = 0;

  constructor(encoding: RunEncoding) {
    this.#encoding = encoding;
    this.#queue = new ByteQueue(MAX_QUEUED_BYTES, encoding.signal);
    this.#queue.add(encoding.header.bytes);
    this.#done = this.#encode().finally(() => this.#queue.close());
    this.#done.catch((reason: unknown) => {
      this.#failure = { reason };
    });
  }

  /** Adds the next packet in decode order. Resolves when there's room for more. Throws its failure. */
  async feed({ clock, ticks, key, data, additions }: FedPacket): Promise<void> {
    if (this.#failure !== undefined && !this.#hasNothingToWrite(this.#failure.reason)) throw this.#failure.reason;
    const track = this.#encoding.header.tracks[0]!;
    const time = Math.round((ticks * clock.num * MICROSECONDS) / clock.den);
    this.#queue.add(matroskaCluster({ track, time, duration: undefined, key, data, additions }));
    await this.#queue.room();
  }

  /**
   * Call it after the last packet. Resolves when all frames were passed on; with an error, where
   * there were none and ffmpeg complains. Throws any other failure.
   */
  async end(): Promise<unknown> {
    this.#queue.end();
    try {
      await this.#done;
    } catch (error) {
      if (!this.#hasNothingToWrite(error)) throw error;
      return error;
    }
    this.#encoding.writer.end();
    return undefined;
  }

  /** Resolves when it doesn't run any more, however it ended. */
  async ended(): Promise<void> {
    this.#queue.close();
    await this.#done.catch(() => {});
  }

  /** Whether ffmpeg failed because nothing in the run can be decoded. */
  #hasNothingToWrite(failure: unknown): boolean {
    return this.#frames === 0 && isMediaFault(failure);
  }

  async #encode(): Promise<void> {
    const { binary, directory, encoder, signal } = this.#encoding;
    const decoder = encoder.decoder === undefined ? [] : ["-c:v", encoder.decoder];
    const decoding = [...ANY_ERRORS, ...DETERMINISTIC_DECODING, ...boundedDecoding, ...decoder];
    await runFfmpeg(
      {
        ...{ binary, directory, signal, pipes: this.#outputs() },
        pipedInput: { options: [...QUIET, "-copyts", ...decoding, "-noautorotate", "-f", "matroska"] },
      },
      async ({ input, outputs: { decoded, encoded } }) => {
        const feed = async () => {
          for await (const data of this.#queue) await input.write(data);
          input.end();
        };
        await Promise.all([feed(), this.#read(decoded, encoded)]);
      },
    );
  }

  #outputs() {
    const { encoder, run, plan, clock } = this.#encoding;
    const timeOf = (segment: number): string =>
      (OFFSET_SECONDS + plan.segments[segment]!.start - SELECTED_EARLIER_SECONDS).toFixed(6);
    const isLast = run.to === plan.segments.length;
    const until = isLast ? "" : `*lt(t\\,${timeOf(run.to)})`;
    const own = `${clock.num}:${clock.den}`;
    return encoderOutputs({
      stream: "0:v:0",
      encoder,
      clocks: { decoded: own, encoded: encoder.clock === SOURCE_CLOCK ? own : encoder.clock },
      selected: [`select=gte(t\\,${timeOf(run.from)})${until}`],
      keyframes: plan.segments
        .slice(run.from + 1, run.to)
        .map(({ index }) => timeOf(index))
        .join(","),
    });
  }

  async #read(decoded: OutputPipe, encoded: OutputPipe): Promise<void> {
    const { encoder, videoFormat, run, plan, mastering, writer, signal } = this.#encoding;
    const times = new DecodedFrameTimes();
    const readTimes = async () => {
      for await (const { clock, line } of readPacketLines(decoded))
        times.add(((line.pts ?? line.dts) * clock.num) / clock.den - OFFSET_SECONDS);
      times.end();
    };
    const { start, end } = plan.segments[run.to - 1]!;
    await Promise.all([
      readTimes(),
      readEncoded(encoded, {
        ...{ encoder, videoFormat, times, signal },
        mastering: Promise.resolve(mastering),
        end: plan.segments[run.to]?.start,
        loneFrameSeconds: end - start,
        onHeader: (header) => writer.begin(header),
        onFrame: (frame, next) => {
          this.#frames += 1;
          return writer.add(frame, next);
        },
      }),
    ]);
  }
}
