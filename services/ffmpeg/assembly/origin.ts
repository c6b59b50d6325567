import { Condition } from "../process/condition.ts";

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

  set(seconds: number): void {
    this.#seconds ??= seconds;
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
