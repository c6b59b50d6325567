import { Condition } from "../process/condition.ts";
import { unreadable } from "../process/errors.ts";

/**
 * Presentation times of decoded frames, in order. A frame may be encoded before or after its time
 * is known.
 */
export class DecodedFrameTimes {
  readonly #times: number[] = [];
  readonly #changed = new Condition();
  #ended = false;

  /** Adds the next time: seconds from the first video frame. */
  add(time: number): void {
    this.#times.push(time);
    this.#changed.notify();
  }

  /** Call it after the last decoded frame. */
  end(): void {
    this.#ended = true;
    this.#changed.notify();
  }

  /**
   * The time of a frame, as soon as it's known. Throws when fewer frames were decoded, and the
   * signal's reason when aborted.
   */
  async of(frame: number, signal: AbortSignal): Promise<number> {
    await this.#changed.waitFor(() => this.#ended || this.#times.length > frame, signal);
    const time = this.#times[frame];
    if (time === undefined) throw unreadable("more frames were encoded than decoded");
    return time;
  }
}
