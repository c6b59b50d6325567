import type { MediaTools } from "../split/ports.ts";
import type { Binaries } from "./binaries.ts";
import { containersFor } from "./containers.ts";
import { countFrames, scanPackets } from "./packets.ts";
import { probe } from "./probe.ts";
import { cutSegments } from "./segmenter.ts";
import { serveSource } from "./source-server.ts";

/** The media tools of the split service, on ffmpeg and ffprobe. */
export const ffmpegMediaTools = ({ ffmpeg, ffprobe }: Binaries): MediaTools => ({
  open: async (source) => {
    const server = await serveSource(source);
    return {
      describe: (signal) => probe(ffprobe, server.url, signal),
      scan: ({ video, format }, signal, onPacket) =>
        scanPackets({ binary: ffprobe, url: server.url, stream: video?.index ?? 0, format, signal, onPacket }),
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
