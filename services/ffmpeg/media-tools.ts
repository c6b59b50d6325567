import { copiedSegments } from "../split/domain/exact-plan.ts";
import type { CutJob, MadeSegment, MediaTools } from "../split/ports/media-tools.ts";
import { containersFor } from "./containers.ts";
import { cutByCopy } from "./copy/copied-cut.ts";
import { cutExactly, isOutOfSpace } from "./exact/index.ts";
import type { Binaries } from "./process/binaries.ts";
import { describeSource, type FfprobeOutput, languageOf, pictureFormatOf, probe } from "./source/describe.ts";
import { hasSampleTable, readSampleTable } from "./source/sample-table.ts";
import { scanPackets } from "./source/scan-packets.ts";
import { serveSource } from "./source/source-server.ts";
import { isTruncated } from "./source/truncation.ts";

/** Cuts as asked: by copying alone where every boundary is on a keyframe that nothing reaches across, and else exactly. */
async function* cut(
  binary: string,
  url: string,
  probed: FfprobeOutput,
  job: CutJob,
): AsyncGenerator<MadeSegment, void, undefined> {
  const { description, container, directory, signal } = job;
  const { format } = description;
  const video = description.video?.index ?? 0;
  const codec = description.video?.codec ?? "";
  const audio = description.audio.map((track) => ({
    index: track.index,
    codec: track.codec ?? "",
    language: languageOf(probed, track.index),
  }));
  const common = { binary, url, format, video, audio, container, directory, signal };
  const copy = (segments: readonly { firstFrame: number; frames: number }[]) => {
    const starts = segments.slice(1).map(({ firstFrame }) => firstFrame);
    return cutByCopy({ ...common, codec, starts, frames: segments.map(({ frames }) => frames), from: job.from });
  };
  if (job.cut.kind === "keyframe") return yield* copy(job.cut.segments);

  let { from } = job;
  const copied = copiedSegments(job.cut);
  if (copied !== undefined) {
    try {
      for await (const segment of copy(copied)) {
        from = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (isOutOfSpace(error)) throw error;
      job.log.warn("Encodes what can't be copied", { from_segment: from, since: String(error) });
    }
  }
  const { size, ...picture } = pictureFormatOf(probed, video);
  yield* cutExactly({ ...common, picture, size, cut: job.cut, from, log: job.log });
}

/** The media tools of the split service, on ffmpeg and ffprobe. */
export const ffmpegMediaTools = ({ ffmpeg, ffprobe }: Binaries): MediaTools => ({
  open: async (source) => {
    const server = await serveSource(source);
    let probed: FfprobeOutput = { streams: [], format: { format_name: "" } };
    return {
      describe: async (signal) => {
        probed = await probe(ffprobe, server.url, signal);
        return describeSource(probed);
      },
      scan: async ({ video, format }, signal, onPacket) => {
        const stream = video?.index ?? 0;
        const truncated = await isTruncated(source, format, signal);
        const indexed = hasSampleTable(format) ? await readSampleTable(source, stream, signal) : undefined;
        if (indexed === undefined)
          await scanPackets({ binary: ffprobe, url: server.url, stream, format, signal, onPacket });
        else for (const packet of indexed) onPacket(packet);
        return { truncated };
      },
      containers: containersFor,
      cut: (job) => cut(ffmpeg, server.url, probed, job),
      readFailure: server.failure,
      pause: server.pause,
      resume: server.resume,
      close: server.close,
    };
  },
});
