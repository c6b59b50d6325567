import type { SequenceParameterSet } from "../../formats/h264/sequence-parameter-set.ts";
import { ByteReader } from "../../process/byte-reader.ts";

/**
 * How far copied pictures behind anchors drift from the source's: some of them are decoded from both
 * and compared. docs/decisions/anchored-boundaries.md
 */

/**
 * The boundary is stitched where a compared frame has less. Every frame is promised 45 dB, and the
 * least of all frames was measured up to 1.2 dB below that of the compared ones, 0.1 on average.
 */
export const MIN_DRIFT_PSNR = 46;

/** What identical frames count as. */
export const IDENTICAL_PSNR = 100;

const MAX_SAMPLES = 8;
const MIN_SAMPLES = 3;
/** Of the temporary file with the source's frames. */
const MAX_SAMPLE_BYTES = 48 * 1024 * 1024;

/** A decoded frame in memory: all planes at the coded size (`size`, in pixels). */
export type RawFormat = { size: [number, number]; bytes: number; bytesPerSample: 1 | 2; peak: number };

export function rawFormat({ codedWidth, codedHeight, chromaFormatIdc, bitDepth }: SequenceParameterSet): RawFormat {
  const samples = codedWidth * codedHeight * (chromaFormatIdc === 1 ? 1.5 : 2);
  const bytesPerSample = bitDepth > 8 ? 2 : 1;
  const size: [number, number] = [codedWidth, codedHeight];
  return { size, bytes: samples * bytesPerSample, bytesPerSample, peak: 2 ** bitDepth - 1 };
}

/**
 * The ranks to compare, rising. `copies`: ranks of the copied pictures in decode order. The last one
 * in both orders has the longest chain of references to an anchor; the others are spread over the
 * rest, the first one behind the anchors included.
 */
export function sampledRanks(copies: readonly number[], { bytes }: RawFormat): number[] {
  const count = Math.max(MIN_SAMPLES, Math.min(MAX_SAMPLES, Math.floor(MAX_SAMPLE_BYTES / bytes)));
  const spread = Array.from({ length: count - 1 }, (_, at) =>
    Math.round((at * (copies.length - 1)) / Math.max(1, count - 2)),
  );
  const ranks = new Set([Math.max(...copies), ...spread.map((at) => copies[at]!)]);
  return [...ranks].sort((one, other) => one - other);
}

/** Peak signal-to-noise ratio of two frames in dB, over all of their samples. */
export function psnr(one: Buffer, other: Buffer, { bytesPerSample, peak }: RawFormat): number {
  if (one.equals(other)) return IDENTICAL_PSNR;
  const [first, second] = [samplesOf(one, bytesPerSample), samplesOf(other, bytesPerSample)];
  let sum = 0;
  for (let at = 0; at < first.length; at += 1) {
    const difference = first[at]! - second[at]!;
    sum += difference * difference;
  }
  return Math.min(IDENTICAL_PSNR, 10 * Math.log10((peak * peak * first.length) / sum));
}

/** Samples of two bytes are little-endian, as those of every machine that this runs on. */
function samplesOf(frame: Buffer, bytesPerSample: 1 | 2): Uint8Array | Uint16Array {
  if (bytesPerSample === 1) return frame;
  const aligned = frame.byteOffset % 2 === 0 ? frame : Buffer.from(frame);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
}

/**
 * Frames of two streams that were compared, and the least PSNR among them. The chunks of the streams
 * are gone when they were read.
 */
export async function leastPsnr(
  streams: readonly [AsyncIterable<Buffer>, AsyncIterable<Buffer>],
  format: RawFormat,
): Promise<{ frames: number; least: number }> {
  const [one, other] = streams.map((stream) => new ByteReader(stream, { ownsChunks: true })) as [
    ByteReader,
    ByteReader,
  ];
  let least = IDENTICAL_PSNR;
  for (let frames = 0; ; frames += 1) {
    const [first, second] = [await one.lend(format.bytes), await other.lend(format.bytes)];
    if (first === undefined || second === undefined) return { frames, least };
    least = Math.min(least, psnr(first, second, format));
  }
}
