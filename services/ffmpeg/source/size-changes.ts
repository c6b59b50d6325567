import { keyframeSize, type VpxCodec } from "../formats/vpx/keyframe-size.ts";
import { CutFailedError } from "../process/errors.ts";
import { readStreamPackets, type StreamReading } from "./stream-packets.ts";

/**
 * Throws `CutFailedError` (UnsupportedCut) when keyframes of the file have different frame sizes: an
 * encoder is set up for one size, so a change can only be copied. Call it before making any segment.
 * Reads the source up to that change, without decoding.
 */
export async function assertOneSize(reading: StreamReading & { codec: VpxCodec }): Promise<void> {
  let first: [number, number] | undefined;
  let other: [number, number] | undefined;
  await readStreamPackets(reading, ({ data }) => {
    const size = keyframeSize(reading.codec, data);
    first ??= size;
    if (size === undefined || String(size) === String(first)) return false;
    other = size;
    return true;
  });
  if (first === undefined || other === undefined) return;
  const [from, to] = [first.join(" x "), other.join(" x ")];
  throw new CutFailedError("UnsupportedCut", `the frame size changes within the file, from ${from} to ${to}`);
}
