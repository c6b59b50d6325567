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
  /** Those of `#failed` whose segments haven't been reported as failed. */
  readonly #failedHeads = new Set<number>();
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

  /** Call it when an anchored head can't be made. The tail of the segment before fails with it. */
  failHead(segment: number): void {
    this.#failed.add(segment);
    this.#failedHeads.add(segment);
  }

  /**
   * Call it when a segment failed. Returns whether it may succeed with fewer anchors: without the head
   * that made it fail, or else without its own head, or else without that of the segment behind it,
   * which is made together with its tail. No other segment is made in another way than if the cut
   * began with it.
   */
  fail(segment: number): boolean {
    const heads = [segment, segment + 1];
    const known = heads.filter((head) => this.#failedHeads.delete(head));
    if (known.length > 0) return true;
    const next = heads.find((head) => this.mayAnchor(head));
    if (next !== undefined) this.#failed.add(next);
    return next !== undefined;
  }
}
