import type { ExactSegment, Ranks } from "../../split/domain/exact-segment.ts";
import type { RunningPacketCheck } from "../assembly/segment-finisher.ts";
import { fragmentHeader } from "../formats/iso/fragments.ts";
import { NalReader } from "../formats/nal/units.ts";
import { isCausedByFile } from "../process/errors.ts";
import { readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { ProofError } from "../proof/proof-error.ts";
import { type AnchoredBeginning, DriftCheck } from "./anchored/drift-check.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { StitchDecoding } from "./stitch-decoding.ts";

/** Decoders hold back fewer frames than this. */
const MAX_FOLLOWING_FRAMES = 18;

/** Bytes that may wait for a running decoder to read them. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** Checks of several segments run concurrently; further threads would cost time and a frame each. */
const ONE_THREAD = ["-threads", "1"];

const QUIET = ["-hide_banner", "-loglevel", "error", "-copyts"];

/** Consecutive packets of a segment, from a keyframe on, that have a decoder of their own. */
type Part = Ranks & {
  /** How many frames it must return at least. */
  least: number;
};

const countOf = ({ from, to }: Ranks): number => to - from;

/** The encoded frames of a segment, with the copied frames that follow its head. */
function partsOf(segment: ExactSegment, isAnchored: boolean): Part[] {
  const [head, tail] = [countOf(segment.head), countOf(segment.tail)];
  const tailFrom = countOf(segment.ranks) - tail;
  const headTo = head + Math.min(MAX_FOLLOWING_FRAMES, tailFrom - head);
  return [
    // Where the stream breaks off, decoders don't return all of the reordered copied frames.
    { from: 0, to: head === 0 ? 0 : headTo, least: isAnchored ? head : head + 1 },
    { from: tailFrom, to: tailFrom + tail, least: tail },
  ].filter((part) => countOf(part) > 0);
}

/**
 * Decodes the re-encoded frames of a segment: the head with the copied frames that follow it, and
 * the tail. Each has a decoder of its own, because decoders may drop frames that they hold back when
 * the parameters change, and because most of the frames between are skipped: to one ffmpeg, they are
 * two tracks.
 */
export function checkStitches(
  decoding: StitchDecoding,
  segment: ExactSegment,
  anchored?: AnchoredBeginning,
): RunningPacketCheck {
  const parts = partsOf(segment, anchored !== undefined);
  const { to } = parts[0]!;
  const beginning = anchored && { ...anchored, ranks: anchored.ranks.slice(0, to) };
  return new StitchCheck(decoding, parts, beginning && new DriftCheck(beginning, decoding.ticksPerSecond));
}

class StitchCheck implements RunningPacketCheck {
  readonly #decoding: StitchDecoding;
  readonly #parts: readonly Part[];
  /** Of the first part. */
  readonly #drift: DriftCheck | undefined;
  readonly #queue: ByteQueue;
  readonly #stopping = new AbortController();
  readonly #reader = new NalReader();
  readonly #run: Promise<{ stderr: string }>;
  /** Number of frames that were decoded of each part. */
  readonly #decoded: number[];
  #fed = 0;
  #leastPsnr: number | undefined;

  constructor(decoding: StitchDecoding, parts: readonly Part[], drift: DriftCheck | undefined) {
    this.#decoding = decoding;
    this.#parts = parts;
    this.#drift = drift;
    this.#decoded = parts.map(() => 0);
    const signal = AbortSignal.any([decoding.signal, this.#stopping.signal]);
    this.#queue = new ByteQueue(MAX_UNREAD_BYTES, signal, { ownsChunks: true });
    this.#run = this.#decode(signal).finally(() => this.#queue.close());
    // `end` reports it, if it's still called.
    this.#run.catch(() => {});
  }

  get leastPsnr(): number | undefined {
    return this.#leastPsnr;
  }

  #decode(signal: AbortSignal): Promise<{ stderr: string }> {
    const { binary, directory, header, ticksPerSecond } = this.#decoding;
    const [drift, parts] = [this.#drift, this.#parts];
    const ownHeader = drift?.header(header) ?? header;
    this.#queue.add(parts.length > 1 ? ownHeader.withSecondTrack() : Buffer.from(ownHeader.bytes));
    const whole = drift === undefined ? [] : DriftCheck.inputOptions;
    const input = [...QUIET, ...boundedDecoding, ...ONE_THREAD, ...whole, "-f", "mp4"];
    const output = (part: number) => ["-map", `0:v:${part}`, "-vsync", "passthrough"];
    const pipes = {
      frames: parts.map((_, part) => [...output(part), "-c:v", "wrapped_avframe", "-f", "framecrc"]),
      pixels: drift === undefined ? [] : [[...output(0), ...drift.outputOptions(ticksPerSecond)]],
    };
    return runFfmpeg({ binary, directory, signal, pipedInput: { options: input }, pipes }, async (running) => {
      const feed = async () => {
        for await (const data of this.#queue) await running.input.write(data);
        running.input.end();
      };
      const { frames, pixels } = running.outputs;
      await Promise.all([
        feed(),
        ...frames.map((pipe, part) => this.#count(pipe, part)),
        ...pixels.map((pipe) => drift?.compare(pipe)),
      ]);
    });
  }

  async #count(frames: OutputPipe, part: number): Promise<void> {
    for await (const _ of readPacketLines(frames)) this.#decoded[part]! += 1;
  }

  async onPacket(packet: Buffer, number: number): Promise<void> {
    const part = this.#parts.findIndex(({ from, to }) => number >= from && number < to);
    if (part === -1) return;
    const framed = this.#reader.framed(packet);
    this.#fed += 1;
    // Encoded frames are in presentation order, and of the copied ones only the number counts.
    const { ticksPerSecond: duration } = this.#decoding;
    const inOrder = { time: this.#fed * duration, offset: 0 };
    const { time, offset } = (part === 0 ? this.#drift?.timesOf(number) : undefined) ?? inOrder;
    const { from } = this.#parts[part]!;
    const sample = { duration, size: framed.length, key: number === from, offset };
    this.#queue.add(Buffer.concat([fragmentHeader(time, [sample], part > 0), framed]));
    await this.#queue.room();
  }

  async end(): Promise<void> {
    this.#queue.end();
    const { stderr } = await this.#run.catch((error: unknown) => {
      if (!isCausedByFile(error)) throw error;
      throw new ProofError(`the encoded frames at a boundary can't be decoded (${String(error)})`, { cause: error });
    });
    for (const [part, { least }] of this.#parts.entries()) {
      const frames = this.#decoded[part]!;
      if (frames < least)
        throw new ProofError(`${frames} of at least ${least} encoded frames at a boundary can be decoded`);
    }
    if (stderr !== "")
      throw new ProofError(`the decoder reports errors in the encoded frames at a boundary: ${stderr}`);
    this.#leastPsnr = this.#drift?.leastPsnr();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the check of the boundaries was stopped"));
    await this.#run.catch(() => {});
  }
}
