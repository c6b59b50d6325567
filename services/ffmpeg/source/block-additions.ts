import { readStreamPackets, type StreamReading } from "./stream-packets.ts";

/**
 * Whether anything comes beside a track's pictures, as transparency does in WebM: some recorders say
 * so of each track. Reads the source up to the first picture that has it, decoding nothing.
 */
export async function hasBlockAdditions(reading: StreamReading): Promise<boolean> {
  let found = false;
  await readStreamPackets(reading, ({ hasBlockAdditions: has }) => {
    found = has;
    return found;
  });
  return found;
}
