import { readStreamPackets, type StreamReading } from "./stream-packets.ts";

/**
 * Whether any packet of a stream has BlockAdditions, such as transparency in WebM: some recorders
 * declare them for every track. Reads the source up to the first one, without decoding.
 */
export async function hasBlockAdditions(reading: StreamReading): Promise<boolean> {
  let found = false;
  await readStreamPackets(reading, ({ hasBlockAdditions: has }) => {
    found = has;
    return found;
  });
  return found;
}
