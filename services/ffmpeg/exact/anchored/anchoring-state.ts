import type { Log } from "../../../video/ports/log.ts";
import { encodedPictures } from "./anchor-plan.ts";
import type { AnchoredGroup } from "./anchored-heads.ts";

/**
 * Which heads of a video may be anchored, over all attempts to make its segments: one whose segment
 * failed is stitched from then on.
 */
export class AnchoringState {
  readonly #log: Pick<Log, "info">;
  readonly #failed = new Set<number>();
  #isOn: boolean;

  constructor(isOn: boolean, log: Pick<Log, "info">) {
    this.#isOn = isOn;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  mayAnchor(segment: number): boolean {
    return this.#isOn && !this.#failed.has(segment);
  }

  /** Call it before a head is made. */
  anchor({ candidate, plan }: AnchoredGroup): void {
    const frames = plan.anchors.length + plan.copies.length;
    const encoded = encodedPictures(plan).length;
    this.#log.info("Anchoring the beginning of a segment", { segment: candidate.segment.index, encoded, frames });
  }

  refuse(segment: number, reason: Error): void {
    this.#log.info("Encoding the beginning of a segment up to its next keyframe", { segment, reason: reason.message });
  }

  /** The headers of the whole video are of another kind. */
  refuseAll(reason: unknown): void {
    this.#isOn = false;
    this.#log.info("No segment is anchored", { reason: String(reason) });
  }

  /**
   * Call it when a segment failed. Returns whether it may succeed without anchors: its own head may
   * have been anchored, or that of the segment behind it, which is made together with its tail. Both
   * are stitched from then on, whether or not they had been begun: that depends on the machine.
   */
  fail(segment: number): boolean {
    const tried = [segment, segment + 1].filter((one) => this.mayAnchor(one));
    for (const one of tried) this.#failed.add(one);
    return tried.length > 0;
  }
}
