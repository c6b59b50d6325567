import { metadataUnits, withUnits } from "../formats/av1/stream.ts";
import { sequenceMessages, withMessages } from "../formats/nal/sei-messages.ts";
import { isNalCodec, NalReader } from "../formats/nal/units.ts";
import { PACKET_BYTES, PACKET_LINES, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";

/** ffmpeg's outputs for `readFirstPacket`; `video` is ffmpeg's index of the stream. */
export const firstPacketOutputs = (video: number): Record<"firstLine" | "firstBytes", string[]> => {
  const copied = ["-map", `0:${video}`, "-map_chapters", "-1", "-c", "copy", "-copyinkf", "-frames:v", "1"];
  return { firstLine: [...copied, ...PACKET_LINES], firstBytes: [...copied, ...PACKET_BYTES] };
};

/** The first packet as soon as it's there; undefined when there is none. The rest is discarded. */
export function readFirstPacket(lines: OutputPipe, bytes: OutputPipe): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const read = async () => {
      for await (const { data } of readPackets(lines, bytes)) resolve(Buffer.from(data));
      resolve(undefined);
    };
    read().catch(reject);
  });
}

/**
 * Returns a function that adds the source's mastering metadata (HDR SEI messages or AV1 metadata
 * units of its first packet) to an encoded keyframe. `source` and `encoded` are codecs, as ffprobe
 * names them.
 */
export function masteringMetadataAdder(
  source: string | undefined,
  packet: Buffer | undefined,
  encoded: string,
): (frame: Buffer) => Buffer {
  if (packet !== undefined && isNalCodec(source) && isNalCodec(encoded)) {
    const messages = sequenceMessages(source, new NalReader().units(packet) ?? []);
    return (frame) => withMessages(encoded, frame, messages);
  }
  if (packet !== undefined && source === "av1" && encoded === "av1") {
    const units = metadataUnits(packet);
    return (frame) => withUnits(frame, units);
  }
  return (frame) => frame;
}
