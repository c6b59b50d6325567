import type { Mp4Header } from "../../formats/iso/fragments.ts";
import type { OutputPipe } from "../../process/program.ts";
import { ProofError } from "../../proof/proof-error.ts";
import { decodeTimes } from "../presentation-times.ts";
import type { DriftSamples } from "./anchored-heads.ts";
import { leastPsnr, MIN_DRIFT_PSNR } from "./drift.ts";

/** The first packets of a segment: a whole anchored head, and some copied packets behind it. */
export type AnchoredBeginning = {
  /** Ranks of the packets, in decode order. */
  ranks: readonly number[];
  samples: DriftSamples;
};

/**
 * Compares the sampled frames of an anchored head with the source's, while an ffmpeg decodes the head
 * from the segment's file.
 */
export class DriftCheck {
  /** Whole frames as coded: the source's are stored like that. */
  static readonly inputOptions: readonly string[] = ["-flags2", "+ignorecrop", "-noautorotate"];

  readonly #samples: DriftSamples;
  readonly #shown: readonly number[];
  readonly #decoded: readonly number[];
  /** So that no time is negative. */
  readonly #shift: number;
  #compared: Awaited<ReturnType<typeof leastPsnr>> | undefined;

  constructor({ ranks, samples }: AnchoredBeginning, ticksPerSecond: number) {
    this.#samples = samples;
    this.#shown = ranks.map((rank) => rank * ticksPerSecond);
    this.#decoded = decodeTimes(this.#shown);
    this.#shift = ticksPerSecond - Math.min(...this.#decoded);
  }

  header(header: Mp4Header): Mp4Header {
    return header.withFrameSize(this.#samples.format.size);
  }

  /** Decode time of a packet in the decoder's input, and what is added to it for the presentation time. */
  timesOf(number: number): { time: number; offset: number } {
    const [shown, decoded] = [this.#shown[number]!, this.#decoded[number]!];
    return { time: decoded + this.#shift, offset: shown - decoded };
  }

  /** Options of the output with the pixels of the sampled frames. `ticksPerSecond`: of its input. */
  outputOptions(ticksPerSecond: number): string[] {
    const only = this.#samples.ranks.map((rank) => `eq(pts,${rank * ticksPerSecond + this.#shift})`).join("+");
    return ["-enc_time_base", "-1", "-vf", `select='${only}'`, "-c:v", "rawvideo", "-f", "rawvideo"];
  }

  async compare(pixels: OutputPipe): Promise<void> {
    this.#compared = await leastPsnr([pixels, this.#samples.pixels.chunks()], this.#samples.format);
  }

  /**
   * The least PSNR of the sampled frames in dB. Throws `ProofError` where one wasn't decoded, or
   * drifted too far.
   */
  leastPsnr(): number {
    const { ranks } = this.#samples;
    if (this.#compared?.frames !== ranks.length)
      throw new ProofError(`${this.#compared?.frames ?? 0} of ${ranks.length} sampled frames can be decoded`);
    const { least } = this.#compared;
    if (least < MIN_DRIFT_PSNR)
      throw new ProofError(`a copied frame drifted to ${least.toFixed(1)} dB; at least ${MIN_DRIFT_PSNR} are required`);
    return least;
  }
}
