import type { MediaTools } from "../split/ports.ts";
import type { Binaries } from "./binaries.ts";
import { containersFor } from "./containers.ts";
import { countFrames, scanPackets } from "./packets.ts";
import { probe } from "./probe.ts";
import { hasSampleTable, readSampleTable } from "./sample-table.ts";
import { cutSegments } from "./segmenter.ts";
import { serveSource } from "./source-server.ts";

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
      countFrames: (path, signal) => countFrames(ffprobe, path, signal),
      readFailure: server.failure,
      pause: server.pause,
      resume: server.resume,
      close: server.close,
    };
  },
});
