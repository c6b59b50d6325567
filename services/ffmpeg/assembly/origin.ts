import { Condition } from "../process/condition.ts";

/**
 * When the video's first frame is shown, on ffmpeg's clock. Who reads the picture sets it; who
 * reads the sound needs it, and may be read earlier.
 */
export class Origin {
  readonly #changed = new Condition();
  #seconds: number | undefined;
  #isMissing = false;

  /** Undefined where it isn't known, yet or ever. */
  get seconds(): number | undefined {
    return this.#seconds;
  }

  /** Whether the picture has ended without a frame. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  set(seconds: number): void {
    this.#seconds ??= seconds;
    this.#changed.notify();
  }

  /** The picture has ended: where no frame came, none will. */
  end(): void {
    this.#isMissing = this.#seconds === undefined;
    this.#changed.notify();
  }

  /**
   * Resolves when it's known, or known to be missing. Rejects with the signal's reason when
   * aborted.
   */
  settled(signal: AbortSignal): Promise<void> {
    return this.#changed.waitFor(() => this.#seconds !== undefined || this.#isMissing, signal);
  }
}
