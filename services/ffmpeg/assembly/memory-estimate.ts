import { currentBudget } from "../process/limits.ts";

/**
 * How much memory ffmpeg takes for pictures, by what was measured with three versions of it:
 * docs/decisions/budget.md
 */

/** Of a run that holds no picture: its libraries, tables and packets. */
const PROGRAM_BYTES = 64 * 2 ** 20;

/** Frames that a decoder has at the same time: references, and what goes through the filters. */
const DECODED_FRAMES = 8;

/** Chroma samples for each sample of luma, by what a pixel format's name has. */
const CHROMA: readonly (readonly [RegExp, number])[] = [
  [/^(gray|mono|ya)/, 0],
  [/420|411|410|^nv12|^nv21|^p01/, 0.5],
  [/422|440|^uyvy|^yuyv|^p21/, 1],
];
const FULL_CHROMA = 2;

const ALPHA = /^(?:yuva|rgba|argb|abgr|bgra|gbrap|ya)/;

/** Such as yuv420p10le and rgb48be. */
const IS_DEEP = /(?:9|1[0-6]|48|64)(?:le|be)$/;

/** Bytes of one picture in memory. `pixelFormat` as ffprobe prints it; undefined: the largest is taken. */
export function frameBytes([width, height]: readonly [number, number], pixelFormat: string | undefined): number {
  const chroma = CHROMA.find(([name]) => name.test(pixelFormat ?? ""))?.[1] ?? FULL_CHROMA;
  const samples = 1 + chroma + (ALPHA.test(pixelFormat ?? "") ? 1 : 0);
  return width * height * samples * (IS_DEEP.test(pixelFormat ?? "") ? 2 : 1);
}

/** Bytes of a run of ffmpeg that has so many frames of that size at the same time. */
export const runBytes = (bytesPerFrame: number, frames: number): number => PROGRAM_BYTES + frames * bytesPerFrame;

/** Bytes of what proves a segment: one decoder at a time. */
const provingBytes = (bytesPerFrame: number): number => runBytes(bytesPerFrame, DECODED_FRAMES);

/** How many segments are joined and proven at the same time. */
export const concurrentMuxes = (bytesPerFrame: number): 1 | 2 =>
  2 * provingBytes(bytesPerFrame) <= currentBudget().programsBytes / 3 ? 2 : 1;

/** Bytes of each encoder, where so many run beside the reading and the proofs. */
export function encoderBytes(bytesPerFrame: number, encoders: number): number {
  const { programBytes, programsBytes } = currentBudget();
  const left = programsBytes - runBytes(0, 0) - concurrentMuxes(bytesPerFrame) * provingBytes(bytesPerFrame);
  return Math.min(programBytes, left / encoders);
}
