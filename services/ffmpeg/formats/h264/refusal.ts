/**
 * Why the headers of a stream aren't simulated or rewritten. The first group is about what the
 * stream uses, the second about what is wrong with it, the third about one boundary.
 */
export type RefusalReason =
  | "profile"
  | "interlaced"
  | "picture order count type"
  | "long-term references"
  | "slice groups"
  | "slice order"
  | "redundant pictures"
  | "switching slices"
  | "data partitions"
  | "layers"
  | "changing parameter sets"
  | "memory management reset"
  | "malformed"
  | "missing reference"
  | "gap in frame numbers"
  | "limit"
  | "display order"
  | "no IDR picture"
  | "references to the end"
  | "as many frames"
  | "reference buffer"
  | "rewrite differs";

/**
 * The stream, or one boundary in it, is not of the kind that is known. It says nothing about
 * whether the video can be decoded.
 */
export class H264Refusal extends Error {
  override name = "H264Refusal";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
  }
}

/** The result of `compute`, or the refusal that it throws. Throws every other error. */
export function orRefusal<Result>(compute: () => Result): Result | H264Refusal {
  try {
    return compute();
  } catch (error) {
    if (error instanceof H264Refusal) return error;
    throw error;
  }
}
