import { currentBudget } from "../process/limits.ts";

/** Estimates of ffmpeg's memory, measured with three versions: docs/decisions/budget.md */

/** Memory of a run without frames: libraries, tables and packets. */
const PROGRAM_BYTES = 64 * 2 ** 20;

/** Frames that a decoder holds: references, and those in its filters. */
const DECODED_FRAMES = 8;

/** Chroma samples per luma sample, by a pattern of the pixel format's name. */
const CHROMA: readonly (readonly [RegExp, number])[] = [
  [/^(gray|mono|ya)/, 0],
  [/420|411|410|^nv12|^nv21|^p01/, 0.5],
  [/422|440|^uyvy|^yuyv|^p21/, 1],
];
const FULL_CHROMA = 2;

const ALPHA = /^(?:yuva|rgba|argb|abgr|bgra|gbrap|ya)/;

/** Such as yuv420p10le and rgb48be. */
const IS_DEEP = /(?:9|1[0-6]|48|64)(?:le|be)$/;

/**
 * Bytes of one frame in memory. `pixelFormat` as ffprobe prints it; undefined: the largest format.
 */
export function frameBytes([width, height]: readonly [number, number], pixelFormat: string | undefined): number {
  const chroma = CHROMA.find(([name]) => name.test(pixelFormat ?? ""))?.[1] ?? FULL_CHROMA;
  const samples = 1 + chroma + (ALPHA.test(pixelFormat ?? "") ? 1 : 0);
  return width * height * samples * (IS_DEEP.test(pixelFormat ?? "") ? 2 : 1);
}

/** Memory of an ffmpeg run that holds `frames` frames. */
export const runBytes = (bytesPerFrame: number, frames: number): number => PROGRAM_BYTES + frames * bytesPerFrame;

/** Memory of proving a segment, which runs one decoder at a time. */
const provingBytes = (bytesPerFrame: number): number => runBytes(bytesPerFrame, DECODED_FRAMES);

/** How many segments are muxed and proven concurrently. */
export const concurrentMuxes = (bytesPerFrame: number): 1 | 2 =>
  2 * provingBytes(bytesPerFrame) <= currentBudget().programsBytes / 3 ? 2 : 1;

/** Memory that each of several encoders may take beside the reading and the proofs. */
export function encoderBytes(bytesPerFrame: number, encoders: number): number {
  const { programBytes, programsBytes } = currentBudget();
  const left = programsBytes - runBytes(0, 0) - concurrentMuxes(bytesPerFrame) * provingBytes(bytesPerFrame);
  return Math.min(programBytes, left / encoders);
}
