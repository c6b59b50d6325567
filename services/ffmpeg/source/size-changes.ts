import { keyframeSize, type VpxCodec } from "../formats/vpx/keyframe-size.ts";
import { readStreamPackets, type StreamReading } from "./stream-packets.ts";

export type SizeReading = StreamReading & { codec: VpxCodec };

/** Two different frame sizes of keyframes, in pixels. */
export type SizeChange = { from: [number, number]; to: [number, number] };

/**
 * The first change of the frame size within the file; undefined when all keyframes have the same.
 * Reads the source up to that change, without decoding.
 */
export async function findSizeChange(reading: SizeReading): Promise<SizeChange | undefined> {
  let first: [number, number] | undefined;
  let change: SizeChange | undefined;
  await readStreamPackets(reading, ({ data }) => {
    const size = keyframeSize(reading.codec, data);
    first ??= size;
    if (first === undefined || size === undefined || String(size) === String(first)) return false;
    change = { from: first, to: size };
    return true;
  });
  return change;
}
