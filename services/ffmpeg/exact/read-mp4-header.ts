import { ByteReader } from "../process/byte-reader.ts";
import { unreadable } from "../process/errors.ts";
import type { OutputPipe } from "../process/program.ts";

const BOX_HEADER_BYTES = 8;

/**
 * Reads the boxes up to and including `moov` of an MP4 that ffmpeg writes to a pipe. The rest is
 * discarded.
 */
export async function readMp4Header(pipe: OutputPipe): Promise<Buffer> {
  const reader = new ByteReader(pipe);
  const boxes: Buffer[] = [];
  for (;;) {
    const header = await reader.read(BOX_HEADER_BYTES);
    if (header === undefined) throw unreadable("ffmpeg wrote no MP4 header for the video");
    const body = await reader.read(header.readUInt32BE(0) - BOX_HEADER_BYTES);
    if (body === undefined) throw unreadable("ffmpeg wrote an incomplete MP4 header for the video");
    boxes.push(header, body);
    if (header.toString("latin1", 4, 8) === "moov") break;
  }
  // A failure of ffmpeg is thrown by the other outputs too.
  void reader.drain().catch(() => {});
  return Buffer.concat(boxes);
}
