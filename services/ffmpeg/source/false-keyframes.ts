import { type RandomAccessTest, randomAccessTest } from "../formats/random-access.ts";
import { readStreamPackets, type StreamReading } from "./stream-packets.ts";

export type KeyframeReading = StreamReading & {
  /** As ffprobe names it. */
  codec: string | undefined;
  /** Reads the second keyframe from the container's own index; undefined where there's no index. */
  readSecond: (() => Promise<Buffer | undefined>) | undefined;
};

/** The second keyframe is looked for among so many packets, in so many bytes. */
const MAX_PACKETS = 500;
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Whether a packet, by its number in decode order, is a keyframe at which a decoder can start;
 * undefined where the container can be believed. That is tried on the second keyframe (the first is
 * where the encoder itself began): writers that mark keyframes wrongly mark nearly all of them so.
 * Only where that one is none is the source read to its end, decoding nothing.
 */
export async function findFalseKeyframes(reading: KeyframeReading): Promise<((packet: number) => boolean) | undefined> {
  const test = randomAccessTest(reading.codec);
  if (test === undefined) return undefined;
  const second = reading.readSecond === undefined ? await secondByReading(reading) : await reading.readSecond();
  if (second === undefined || test(second)) return undefined;
  return trueKeyframes(reading, test);
}

async function secondByReading(reading: KeyframeReading): Promise<Buffer | undefined> {
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
