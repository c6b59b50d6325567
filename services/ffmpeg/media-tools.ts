import { tmpdir } from "node:os";
import { type Budget, budgetOf } from "../split/domain/budget.ts";
import type { PlannedPacket } from "../split/domain/cut-plan.ts";
import { copiedSegments } from "../split/domain/exact-plan.ts";
import type {
  CutJob,
  DescribedMedia,
  ExactBoundary,
  ExactCut,
  MadeSegment,
  MediaDescription,
  MediaTools,
} from "../split/ports/media-tools.ts";

import { limitExceeded } from "../video/errors.ts";
import { audioOutputFor } from "./assembly/audio-output.ts";
import { frameBytes } from "./assembly/memory-estimate.ts";
import type { CopiedSegment } from "./copy/copied-video.ts";
import { cutByCopy } from "./copy/cut-by-copy.ts";
import { cutWithEnding } from "./cut-ending.ts";
import { cutExactly } from "./exact/cut-exactly.ts";
import { isAboutSegment } from "./exact/segment-error.ts";
import { containersFor } from "./formats/containers.ts";
import { isVpxCodec } from "./formats/vpx/keyframe-size.ts";
import { forEachInBatches } from "./process/batches.ts";
import type { Binaries } from "./process/binaries.ts";
import { isCausedByFile } from "./process/errors.ts";
import { currentBudget, setBudget } from "./process/limits.ts";
import { type SourceAddress, untrustedInput } from "./process/sandbox.ts";
import { dynamicRangeCheck, isHdr } from "./proof/dynamic-range.ts";
import { hasBlockAdditions } from "./source/block-additions.ts";
import { findChangedTracks, withoutOtherTracks } from "./source/changed-tracks.ts";
import { checkSource } from "./source/checked-source.ts";
import { firstWithPackets, orderVideoTracks } from "./source/choose-video-track.ts";
import { containerMetadataOf } from "./source/container-metadata.ts";
import { audioTracksOf, describeSource, type Probed, probe, videoFormatOf } from "./source/describe.ts";
import { assertTracksAreClear } from "./source/encryption.ts";
import { findFalseKeyframes } from "./source/false-keyframes.ts";
import { limitFetches } from "./source/fetch-limit.ts";
import { readFragmentIndex } from "./source/fragment-index.ts";
import type { DiskOptions } from "./source/kept-source.ts";
import { lacksSync } from "./source/lost-packets.ts";
import type { RangedSource } from "./source/ranged-source.ts";
import { READ_AHEAD, type ReadAhead, type ReadAheadLimits, readAhead } from "./source/read-ahead.ts";
import { hasSampleTable, readConfigurations, readSampleTable } from "./source/sample-table.ts";
import { jumpOptions, scanPackets } from "./source/scan-packets.ts";
import { findSeekPoint, rangeOf, type SeekPoint } from "./source/seek-point.ts";
import { assertOneSize } from "./source/size-changes.ts";
import { type SourceServer, serveSource } from "./source/source-server.ts";
import { isTruncated } from "./source/truncation.ts";

/** A source that is served to ffmpeg, with its description. */
type Served = {
  binary: string;
  ffprobe: string;
  address: SourceAddress;
  source: RangedSource;
  /** Which bytes will be needed. */
  expect: ReadAhead["expect"];
  /** Called for each packet that was read. */
  onPacket: ReadAhead["progressed"];
  /** Stops and restarts the serving. */
  hold: SourceServer["hold"];
  /** Called with a function that reads no further than a segment needs. */
  onReading(readUpTo: (segment: number) => void): void;
  probed: Probed;
  description: MediaDescription;
  boundary: ExactBoundary;
};

/**
 * Makes the requested cut: by stream copy when every boundary is on a keyframe that no frame
 * references across, otherwise exactly.
 */
async function* cut(
  { binary, ffprobe, address, source, expect, onPacket, hold, onReading, probed, description, boundary }: Served,
  job: CutJob,
): AsyncGenerator<MadeSegment, void, undefined> {
  const { container, directory, last, signal } = job;
  const { format } = description;
  const video = description.video?.index ?? 0;
  const codec = description.video?.codec ?? "";
  const audio = audioTracksOf(probed.output, video, job.cut.kind === "exact" ? job.cut.plan.origin : job.cut.origin);
  const metadata = containerMetadataOf(probed.output, video);
  const tag = description.video?.tag ?? "";
  const opened = { binary, ffprobe, address, format, isDeep: probed.isDeep, video, audio, metadata, tag };
  const { size, ...statedFormat } = videoFormatOf(probed.output, video);
  const frameReading = {
    binary: ffprobe,
    from: address.url,
    source: address,
    options: untrustedInput(format, probed.isDeep),
    signal,
  };
  const dynamicRange = isHdr(statedFormat.colorTransfer)
    ? await dynamicRangeCheck({ ...frameReading, stream: String(video) })
    : undefined;
  const bytesPerFrame = frameBytes(size, statedFormat.pixelFormat);
  const inputOptions = jumpOptions(format, job.cut.index);
  const secondsPerTick = probed.output.streams.find(({ index }) => index === video)?.time_base;
  const reader = { inputOptions, dynamicRange, last, hold, onPacket, bytesPerFrame, secondsPerTick };
  const common = { ...opened, ...reader, container, directory, signal };
  const mustDecode = job.cut.kind === "exact";
  const { isDeep } = probed;
  const search = { binary, directory, address, format, isDeep, video, cut: job.cut, from: job.from, signal };
  // What an audio encoder writes depends on what it encoded before.
  const encodesAudio = audio.some((track) => audioOutputFor(track, container).isEncoded);
  const seekTo = async (segment: number) => (encodesAudio ? undefined : findSeekPoint({ ...search, from: segment }));
  expect(source.size, source.size);
  const seek = await seekTo(job.from);
  if (seek !== undefined) job.log.info("Reading from a seek point", { from_segment: job.from, seconds: seek.time });
  const readUpTo = (segment: number): void => {
    const { start, end } = rangeOf(job.cut, seek, segment);
    expect(start ?? 0, end ?? source.size);
  };
  readUpTo(last);
  onReading(readUpTo);
  const copy = async function* (segments: readonly CopiedSegment[], from: number): AsyncGenerator<MadeSegment> {
    const point = from === job.from ? seek : await seekTo(from);
    yield* copyFrom(point, { ...job, from }, (begin) =>
      cutByCopy({ ...common, codec, segments, index: job.cut.index, ...begin, mustDecode }),
    );
  };
  if (job.cut.kind === "keyframe") return yield* copy(job.cut.segments, job.from);

  const exactly = async function* (from: number, to: number): AsyncGenerator<MadeSegment> {
    const reading = { ...common, stream: video };
    const videoFormat = { ...statedFormat, alphaMode: statedFormat.alphaMode && (await hasBlockAdditions(reading)) };
    if (isVpxCodec(codec) && from === 0) await assertOneSize({ ...reading, codec });
    const { changesDescription } = job.cut.index;
    yield* cutExactly({
      ...{ ...common, videoFormat, size, displaySize: description.video?.size ?? size },
      cut: job.cut as ExactCut,
      boundary,
      configurations: changesDescription ? await readConfigurations(source, video, signal) : [],
      ...{ from, last: to, seekTo, log: job.log },
      seek: from === job.from ? seek : await seekTo(from),
    });
  };
  const copied = copiedSegments(job.cut);
  if (copied === undefined) return yield* exactly(job.from, last);
  for (let from = job.from; from <= last; ) {
    try {
      for await (const segment of copy(copied, from)) {
        from = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isCausedByFile(error)) throw error;
      const since = String(error);
      job.log.warn("Falling back to re-encoding: the segments can't be copied", { from_segment: from, since });
      // How a segment is made must not depend on those before it.
      const failed = from;
      for await (const segment of exactly(failed, isAboutSegment(error) ? failed : last)) {
        from = segment.index + 1;
        yield segment;
      }
      if (from === failed) return;
    }
  }
}

/** Copies from the seek point; without one, or when that fails, from the start of the source. */
async function* copyFrom(
  seek: SeekPoint | undefined,
  { from: first, signal, log }: CutJob,
  copied: (begin: { from: number; seek?: SeekPoint }) => AsyncGenerator<MadeSegment>,
): AsyncGenerator<MadeSegment> {
  let from = first;
  if (seek !== undefined) {
    try {
      for await (const segment of copied({ from, seek })) {
        from = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isCausedByFile(error)) throw error;
      log.warn("Falling back to reading the source from its start", { from_segment: from, since: String(error) });
    }
  }
  yield* copied({ from });
}

/**
 * Throws `RejectedVideo` (LimitExceeded) for too many audio tracks: each one takes several pipes.
 */
function assertAudioTracks({ audio }: MediaDescription): void {
  const { audioTracks } = currentBudget();
  if (audio.length <= audioTracks) return;
  throw limitExceeded(
    `The video has ${audio.length} audio tracks, and at most ${audioTracks} can be kept. ` +
      'Keep fewer, for example the first 8: "ffmpeg -i VIDEO -map 0:v:0 -map 0:a:0 ... -map 0:a:7 -c copy KEPT", and upload that.',
  );
}

export type MediaToolsOptions = {
  /** Limits of all programs that this process starts. */
  budget?: Budget;
  /** Limits of reading ahead; smaller in tests. */
  readAhead?: ReadAheadLimits;
  /** Where a source that is read several times is kept. Default: nowhere. */
  disk?: DiskOptions;
  /** How the beginnings of segments are made. Default: encoded. */
  boundary?: ExactBoundary;
};

/** The `MediaTools` of the split service, using ffmpeg and ffprobe. */
export function ffmpegMediaTools(binaries: Binaries, options: MediaToolsOptions = {}): MediaTools {
  setBudget(options.budget ?? budgetOf());
  return mediaTools(binaries, options);
}

const mediaTools = ({ ffmpeg, ffprobe }: Binaries, options: MediaToolsOptions): MediaTools => ({
  open: async (original) => {
    const aheadSource = readAhead(limitFetches(original), options.readAhead ?? READ_AHEAD, options.disk);
    const source = checkSource(aheadSource);
    const server = await serveSource(source);
    const { address, pause, resume, hold } = server;
    const { boundary = "encoded" } = options;
    const { expect, progressed: onPacket, size } = aheadSource;
    let readUpTo = (_segment: number): void => {};
    const onReading: Served["onReading"] = (next) => {
      readUpTo = next;
    };
    // To be described, a source is read a little.
    expect(size, size);
    const close = async (): Promise<void> => {
      await server.close();
      await aheadSource.close();
    };
    const orFailed = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, source.failed]);

    const described = (probed: Probed, videoIndex: number | undefined, endsEarly: boolean): DescribedMedia => {
      const { isDeep } = probed;
      const description = describeSource(probed.output, videoIndex);
      const { format, video } = description;
      const stream = video?.index ?? 0;
      return {
        description,
        scan: async (ending, onPacket) => {
          const signal = orFailed(ending);
          const truncated = endsEarly || (await isTruncated(source, format, signal));
          if (!hasSampleTable(format)) expect(0, size);
          const whole = hasSampleTable(format) ? await readSampleTable(source, stream, signal) : undefined;
          const table = whole ?? (hasSampleTable(format) ? await readFragmentIndex(source, stream, signal) : undefined);
          const reading = { binary: ffmpeg, directory: tmpdir(), address, stream, format, isDeep, signal };
          const { codec } = video ?? {};
          const isStart = await findFalseKeyframes({ ...reading, codec, readSecond: table?.readSecondKeyframe });
          // Whenever ffmpeg opens a file in fragments, it reads the headers of all of them.
          if (whole !== undefined && isStart === undefined) await aheadSource.leaveDisk();
          let number = 0;
          const add = (packet: PlannedPacket) => {
            onPacket(isStart === undefined ? packet : { ...packet, key: packet.key && isStart(number) });
            number += 1;
          };
          if (table !== undefined) {
            await forEachInBatches(table.packets, add, signal);
            return { truncated };
          }
          const { gaps, stderr } = await scanPackets({ ...reading, binary: ffprobe, onPacket: add });
          const losses: number[] = [];
          for (const gap of gaps)
            if (format === "mpegts" ? await lacksSync(source, gap, signal) : stderr !== "") losses.push(gap.packet);
          return { truncated, ...(losses.length > 0 && { losses }) };
        },
        containers: (extension, index) => containersFor(description, extension, index),
        cut: (job) => {
          const reading = { ...job, signal: orFailed(job.signal) };
          const serving = { address, source, expect, onPacket, hold, onReading };
          const served = { binary: ffmpeg, ffprobe, ...serving, probed, description, boundary };
          return cutWithEnding(source.failed, job, cut(served, reading));
        },
      };
    };
    const describe = async (ending: AbortSignal): Promise<DescribedMedia> => {
      const signal = orFailed(ending);
      const probed = await probe(ffprobe, address, signal);
      assertTracksAreClear(probed.output);
      const candidates = orderVideoTracks(probed.output.streams).map(({ index }) => index);
      const { isDeep, output } = probed;
      const search = { binary: ffprobe, address, format: output.format.format_name, isDeep, signal };
      const chosen = await firstWithPackets(search, candidates);
      const pids = await findChangedTracks(source, output, chosen ?? 0, signal);
      const own = pids === undefined ? output : withoutOtherTracks(output, pids);
      const found = described({ ...probed, output: own }, chosen, pids !== undefined);
      assertAudioTracks(found.description);
      return found;
    };
    return { describe, pause, resume, readUpTo: (segment) => readUpTo(segment), close };
  },
});
