import { PACKET_BYTES, PACKET_LINES, type ReadPacket, readPackets } from "../process/packet-lines.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { type SourceAddress, untrustedInput } from "../process/sandbox.ts";

/** How to read one stream of a source. */
export type StreamReading = {
  /** Path of ffmpeg. */
  binary: string;
  /** ffmpeg's working directory. */
  directory: string;
  address: SourceAddress;
  /** The container, as ffprobe names it. */
  format: string;
  /** Whether ffmpeg probes further into the file for its tracks. */
  isDeep?: boolean;
  /** ffmpeg's index of the stream. */
  stream: number;
  signal: AbortSignal;
};

/**
 * Passes on each packet of a stream with its bytes, in decode order and without decoding, until
 * `onPacket` returns true.
 */
export async function readStreamPackets(
  reading: StreamReading,
  onPacket: (packet: ReadPacket, number: number) => boolean,
): Promise<void> {
  const { binary, directory, address, format, stream } = reading;
  const stopping = new AbortController();
  const signal = AbortSignal.any([reading.signal, stopping.signal]);
  const copied = ["-map", `0:${stream}`, "-c", "copy", "-copyinkf", "-map_chapters", "-1"];
  const options = ["-hide_banner", "-nostdin", "-loglevel", "error", ...untrustedInput(format, reading.isDeep)];
  const outputs = [...copied, "-max_muxing_queue_size", "4096"];
  const run = runFfmpeg(
    {
      ...{ binary, directory, source: address, signal, inputs: [{ from: address.url, options }] },
      pipes: { lines: [...outputs, ...PACKET_LINES], bytes: [...outputs, ...PACKET_BYTES] },
    },
    async ({ outputs: { lines, bytes } }) => {
      let number = 0;
      for await (const packet of readPackets(lines, bytes)) {
        if (onPacket(packet, number)) return stopping.abort(new Error("no more packets are needed"));
        number += 1;
      }
    },
  );
  await run.catch((error: unknown) => {
    reading.signal.throwIfAborted();
    if (!stopping.signal.aborted) throw error;
  });
}
