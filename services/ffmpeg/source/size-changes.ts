import { keyframeSize, type VpxCodec } from "../formats/vpx/keyframe-size.ts";
import { PACKET_BYTES, PACKET_LINES, readPackets } from "../process/packet-lines.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { untrustedInput } from "../process/sandbox.ts";

export type SizeReading = {
  /** Of ffmpeg. */
  binary: string;
  directory: string;
  url: string;
  /** ffprobe's name of the container. */
  format: string;
  /** Whether tracks are looked for further into the file. */
  isDeep?: boolean;
  /** ffmpeg's index of the picture. */
  stream: number;
  codec: VpxCodec;
  signal: AbortSignal;
};

/** Two sizes that keyframes of a source state, in pixels; undefined where all state the same. */
export type SizeChange = { from: [number, number]; to: [number, number] };

/**
 * Whether the picture's size changes in mid-file. Reads the source up to the first change, decoding
 * nothing.
 */
export async function findSizeChange(reading: SizeReading): Promise<SizeChange | undefined> {
  const { binary, directory, url, format, stream, codec } = reading;
  const found = new AbortController();
  const signal = AbortSignal.any([reading.signal, found.signal]);
  const copied = ["-map", `0:${stream}`, "-c", "copy", "-map_chapters", "-1", "-max_muxing_queue_size", "4096"];
  const options = ["-hide_banner", "-nostdin", "-loglevel", "error", ...untrustedInput(format, reading.isDeep)];
  let first: [number, number] | undefined;
  let change: SizeChange | undefined;
  const run = runFfmpeg(
    {
      ...{ binary, directory, secret: url, signal, inputs: [{ from: url, options }] },
      pipes: { lines: [...copied, ...PACKET_LINES], bytes: [...copied, ...PACKET_BYTES] },
    },
    async ({ outputs: { lines, bytes } }) => {
      for await (const { data } of readPackets(lines, bytes)) {
        const size = keyframeSize(codec, data);
        first ??= size;
        if (first === undefined || size === undefined || String(size) === String(first)) continue;
        change = { from: first, to: size };
        found.abort(new Error("a change of size was found"));
      }
    },
  );
  await run.catch((error: unknown) => {
    if (change === undefined) throw error;
  });
  return change;
}
