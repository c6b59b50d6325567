import { Cut } from "#events-schema";
import { isSegmentLength, segmentLengthRule } from "./segment-length.ts";

/**
 * The overrides in an upload's metadata: `x-amz-meta-segment-seconds` and `x-amz-meta-cut`.
 */
export type Overrides = { segmentSeconds?: number; cut?: Cut };

/** For each invalid override, a sentence without the full stop. */
export type OverrideFaults = { [K in keyof Overrides]?: string };

const DECIMAL = /^\d+(\.\d+)?$/;

/** Reads an upload's overrides. */
export function overridesOf(metadata: Readonly<Record<string, string>>): {
  overrides: Overrides;
  faults: OverrideFaults;
} {
  const overrides: Overrides = {};
  const faults: OverrideFaults = {};
  const { "segment-seconds": seconds, cut } = metadata;
  if (seconds !== undefined) {
    const value = DECIMAL.test(seconds.trim()) ? Number(seconds) : Number.NaN;
    if (isSegmentLength(value)) overrides.segmentSeconds = value;
    else faults.segmentSeconds = `x-amz-meta-segment-seconds is "${seconds}"; ${segmentLengthRule}`;
  }
  if (cut !== undefined) {
    const { success, data } = Cut.safeParse(cut.trim());
    if (success) overrides.cut = data;
    else faults.cut = `x-amz-meta-cut is "${cut}"; it must be ${Cut.options.join(" or ")}`;
  }
  return { overrides, faults };
}
