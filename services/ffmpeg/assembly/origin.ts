import { Condition } from "../process/condition.ts";
import type { Clock } from "../process/packet-lines.ts";

/**
 * Presentation time of the first video frame, on ffmpeg's clock. The reader of the video sets it;
 * readers of audio, which may come earlier in the file, wait for it.
 */
export class Origin {
  readonly #changed = new Condition();
  #seconds: number | undefined;
  #isMissing = false;

  /** Undefined until it's known, and when there is no frame. */
  get seconds(): number | undefined {
    return this.#seconds;
  }

  /** Whether the video has ended without a frame. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /**
   * `clock`: the video's. The time is a whole number of its ticks; one that is derived from the
   * index is off by what the index rounds, which depends on where reading began.
   */
  set(seconds: number, clock?: Clock): void {
    this.#seconds ??= clock === undefined ? seconds : toTicks(seconds, clock);
    this.#changed.notify();
  }

  /** The video has ended: if no frame came, none will. */
  end(): void {
    this.#isMissing = this.#seconds === undefined;
    this.#changed.notify();
  }

  /** Resolves when the time is known, or known to be missing. Rejects with the signal's reason. */
  settled(signal: AbortSignal): Promise<void> {
    return this.#changed.waitFor(() => this.#seconds !== undefined || this.#isMissing, signal);
  }
}

const toTicks = (seconds: number, { num, den }: Clock): number => (Math.round((seconds * den) / num) * num) / den;
