import { type RandomAccessTest, randomAccessTest } from "../formats/random-access.ts";
import { readStreamPackets, type StreamReading } from "./stream-packets.ts";

export type KeyframeReading = StreamReading & {
  /** Codec, as ffprobe names it. */
  codec: string | undefined;
  /** Reads the second keyframe from the container's index; undefined when it has no index. */
  readSecond: (() => Promise<Buffer | undefined>) | undefined;
};

/** How far to search for the second keyframe. */
const MAX_PACKETS = 500;
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Returns whether a packet, by its number in decode order, is a keyframe at which a decoder can
 * start; undefined when the container's keyframe flags are right. Only the second keyframe is
 * tested (the encoder began at the first): a writer that marks keyframes wrongly does so for nearly
 * all of them. If that one is false, the source is read to its end, without decoding.
 */
export async function findFalseKeyframes(reading: KeyframeReading): Promise<((packet: number) => boolean) | undefined> {
  const test = randomAccessTest(reading.codec);
  if (test === undefined) return undefined;
  const second = reading.readSecond === undefined ? await findSecondKeyframe(reading) : await reading.readSecond();
  if (second === undefined || test(second)) return undefined;
  return trueKeyframes(reading, test);
}

async function findSecondKeyframe(reading: KeyframeReading): Promise<Buffer | undefined> {
  let second: Buffer | undefined;
  let bytes = 0;
  let hasFirst = false;
  await readStreamPackets(reading, ({ key, data }, number) => {
    if (key && hasFirst) second = Buffer.from(data);
    hasFirst ||= key;
    bytes += data.length;
    return second !== undefined || number >= MAX_PACKETS || bytes > MAX_BYTES;
  });
  return second;
}

async function trueKeyframes(reading: KeyframeReading, test: RandomAccessTest): Promise<(packet: number) => boolean> {
  const found = new Set<number>();
  await readStreamPackets(reading, ({ key, data }, number) => {
    if (key && test(data)) found.add(number);
    return false;
  });
  return (packet) => found.has(packet);
}
