import { readCopiedPackets, type StreamReading } from "./copied-packets.ts";

/**
 * Whether anything comes beside a track's pictures, as transparency does in WebM: some recorders say
 * so of each track. Reads the source up to the first picture that has it, decoding nothing.
 */
export async function hasAdditions(reading: StreamReading): Promise<boolean> {
  let found = false;
  await readCopiedPackets(reading, ({ hasAdditions: has }) => {
    found = has;
    return found;
  });
  return found;
}
