import { Condition } from "../process/condition.ts";
import { unreadable } from "../process/errors.ts";

/**
 * When decoded frames are shown, in their order. The same frames may come encoded before or after
 * their times.
 */
export class DecodedFrameTimes {
  readonly #times: number[] = [];
  readonly #changed = new Condition();
  #ended = false;

  /** Seconds from the first frame. */
  add(time: number): void {
    this.#times.push(time);
    this.#changed.notify();
  }

  /** No more frames were decoded. */
  end(): void {
    this.#ended = true;
    this.#changed.notify();
  }

  /**
   * Resolves when it's known. Throws where fewer frames were decoded, and the signal's reason when
   * aborted.
   */
  async of(frame: number, signal: AbortSignal): Promise<number> {
    await this.#changed.waitFor(() => this.#ended || this.#times.length > frame, signal);
    const time = this.#times[frame];
    if (time === undefined) throw unreadable("more frames were encoded than decoded");
    return time;
  }
}
