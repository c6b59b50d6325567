import { open } from "node:fs/promises";
import type { MediaTools } from "../split/ports.ts";
import type { Binaries } from "./binaries.ts";
import { containersFor } from "./containers.ts";
import { countFrames, scanPackets } from "./packets.ts";
import { probe } from "./probe.ts";
import { hasSampleTable, readSampleTable } from "./sample-table.ts";
import { cutSegments } from "./segmenter.ts";
import { serveSource } from "./source-server.ts";

/** The picture is the first stream of every segment. */
const FIRST_STREAM = 0;

/**
 * The frames that an MP4 or MOV of ours holds, as its own index tells: a process less for each segment. Undefined where there is
 * no such index.
 */
async function framesInSampleTable(path: string, signal: AbortSignal): Promise<number | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start + 1), 0, end - start + 1, start);
      yield buffer.subarray(0, bytesRead);
    }
    const packets = await readSampleTable({ size, read }, FIRST_STREAM, signal);
    return packets && [...packets].length;
  } finally {
    await file.close();
  }
}

/** The media tools of the split service, on ffmpeg and ffprobe. */
export const ffmpegMediaTools = ({ ffmpeg, ffprobe }: Binaries): MediaTools => ({
  open: async (source) => {
    const server = await serveSource(source);
    return {
      describe: (signal) => probe(ffprobe, server.url, signal),
      scan: async ({ video, format }, signal, onPacket) => {
        const stream = video?.index ?? 0;
        const indexed = hasSampleTable(format) ? await readSampleTable(source, stream, signal) : undefined;
        if (indexed === undefined)
          await scanPackets({ binary: ffprobe, url: server.url, stream, format, signal, onPacket });
        else for (const packet of indexed) onPacket(packet);
      },
      containers: containersFor,
      cut: (job) => cutSegments({ ...job, container: job.container, binary: ffmpeg, url: server.url }),
      countFrames: async (path, signal) =>
        (await framesInSampleTable(path, signal)) ?? (await countFrames(ffprobe, path, signal)),
      readFailure: server.failure,
      pause: server.pause,
      resume: server.resume,
      close: server.close,
    };
  },
});
