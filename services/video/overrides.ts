import { Cut } from "#events-schema";
import { isSegmentLength, segmentLengthRule } from "./segment-length.ts";

/** What an upload says of itself in its metadata: `x-amz-meta-segment-seconds` and `x-amz-meta-cut`. */
export type Overrides = { segmentSeconds?: number; cut?: Cut };

const DECIMAL = /^\d+(\.\d+)?$/;

/** Reads an upload's overrides; `fault` is a sentence about the first value that can't be used. */
export function overridesOf(metadata: Readonly<Record<string, string>>): { overrides: Overrides; fault?: string } {
  const overrides: Overrides = {};
  const seconds = metadata["segment-seconds"];
  if (seconds !== undefined) {
    const value = DECIMAL.test(seconds.trim()) ? Number(seconds) : Number.NaN;
    if (!isSegmentLength(value)) {
      return { overrides, fault: `x-amz-meta-segment-seconds is "${seconds}"; ${segmentLengthRule}` };
    }
    overrides.segmentSeconds = value;
  }
  const cut = metadata.cut;
  if (cut !== undefined) {
    const parsed = Cut.safeParse(cut.trim());
    if (!parsed.success)
      return { overrides, fault: `x-amz-meta-cut is "${cut}"; it must be ${Cut.options.join(" or ")}` };
    overrides.cut = parsed.data;
  }
  return { overrides };
}
