import { tmpdir } from "node:os";
import { setImmediate } from "node:timers/promises";
import { type Budget, budgetOf } from "../split/domain/budget.ts";
import type { PlannedPacket } from "../split/domain/cut-plan.ts";
import { copiedSegments } from "../split/domain/exact-plan.ts";
import type { CutJob, DescribedMedia, MadeSegment, MediaDescription, MediaTools } from "../split/ports/media-tools.ts";
import { limitExceeded } from "../video/errors.ts";
import { frameBytes } from "./assembly/picture-memory.ts";
import { cutByCopy } from "./copy/copied-cut.ts";
import type { CopiedSegment } from "./copy/copied-picture.ts";
import { cutToAnEnding } from "./cut-ending.ts";
import { cutExactly } from "./exact/index.ts";
import { containersFor } from "./formats/containers.ts";
import { isVpxCodec } from "./formats/vpx/keyframe-size.ts";
import type { Binaries } from "./process/binaries.ts";
import { CutFailedError, isOfTheFile } from "./process/errors.ts";
import { currentBudget, setBudget } from "./process/limits.ts";
import { type SourceAddress, untrustedInput } from "./process/sandbox.ts";
import { isHdr, rangeProof } from "./proof/dynamic-range.ts";
import { hasAdditions } from "./source/additions.ts";
import { checkSource } from "./source/checked-source.ts";
import { audioTracksOf, describeSource, type Probed, pictureFormatOf, probe } from "./source/describe.ts";
import { findFalseKeyframes } from "./source/false-keyframes.ts";
import { limitFetches } from "./source/fetch-limit.ts";
import { fileFactsOf } from "./source/file-facts.ts";
import type { DiskOptions } from "./source/kept-source.ts";
import { firstWithPackets, picturesInOrder } from "./source/picture-choice.ts";
import type { RangedSource } from "./source/ranged-source.ts";
import { READ_AHEAD, type ReadAheadLimits, readAhead } from "./source/read-ahead.ts";
import { hasSampleTable, readConfigurations, readSampleTable } from "./source/sample-table.ts";
import { scanPackets } from "./source/scan-packets.ts";
import { findSizeChange, type SizeReading } from "./source/size-changes.ts";
import { serveSource } from "./source/source-server.ts";
import { isTruncated } from "./source/truncation.ts";

/** A source that ffmpeg can open, and what ffprobe says of it. */
type Served = {
  binary: string;
  ffprobe: string;
  address: SourceAddress;
  source: RangedSource;
  probed: Probed;
  description: MediaDescription;
};

/** Cuts as asked: by copying alone where every boundary is on a keyframe that nothing reaches across, and else exactly. */
async function* cut(
  { binary, ffprobe, address, source, probed, description }: Served,
  job: CutJob,
): AsyncGenerator<MadeSegment, void, undefined> {
  const { container, directory, signal } = job;
  const { format } = description;
  const video = description.video?.index ?? 0;
  const codec = description.video?.codec ?? "";
  const audio = audioTracksOf(probed.output, video, job.cut.kind === "exact" ? job.cut.plan.origin : job.cut.origin);
  const facts = fileFactsOf(probed.output, video);
  const tag = description.video?.tag ?? "";
  const opened = { binary, address, format, isDeep: probed.isDeep, video, audio, facts, tag };
  const { size, ...stated } = pictureFormatOf(probed.output, video);
  const range = {
    binary: ffprobe,
    from: address.url,
    source: address,
    options: untrustedInput(format, probed.isDeep),
    signal,
  };
  const dynamicRange = isHdr(stated.colorTransfer) ? await rangeProof({ ...range, stream: String(video) }) : undefined;
  const frame = frameBytes(size, stated.pixelFormat);
  const common = { ...opened, container, dynamicRange, directory, frame, signal };
  const mustDecode = job.cut.kind === "exact";
  const copy = (segments: readonly CopiedSegment[]) =>
    cutByCopy({ ...common, codec, segments, from: job.from, mustDecode });
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
      if (!isOfTheFile(error)) throw error;
      job.log.warn("Encodes what can't be copied", { from_segment: from, since: String(error) });
    }
  }
  const reading = { ...common, stream: video };
  const picture = { ...stated, alphaMode: stated.alphaMode && (await hasAdditions(reading)) };
  if (isVpxCodec(codec) && job.from === 0) await assertOneSize({ ...reading, codec });
  const { changesDescription } = job.cut.index;
  const configurations = changesDescription ? await readConfigurations(source, video, signal) : [];
  const shownSize = description.video?.size ?? size;
  yield* cutExactly({ ...common, picture, size, shownSize, cut: job.cut, configurations, from, log: job.log });
}

/** Packets that are handed on before what else waits, a deadline for one, has its turn. */
const PACKETS_IN_A_TURN = 2 ** 15;

async function eachInTurn<T>(all: Iterable<T>, onEach: (one: T) => void, signal: AbortSignal): Promise<void> {
  let count = 0;
  for (const one of all) {
    onEach(one);
    count += 1;
    if (count % PACKETS_IN_A_TURN !== 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
}

/** An encoder is set up for one size: a change can only be copied. Throws before any segment is made. */
async function assertOneSize(reading: SizeReading): Promise<void> {
  const change = await findSizeChange(reading);
  if (change === undefined) return;
  const [from, to] = [change.from.join(" x "), change.to.join(" x ")];
  throw new CutFailedError("UnsupportedCut", `the picture's size changes in mid-file, from ${from} to ${to}`);
}

/** Each track that is kept takes pipes of several programs. Throws `RejectedVideo` (LimitExceeded). */
function assertTracksOfSound({ audio }: MediaDescription): void {
  const { audioTracks } = currentBudget();
  if (audio.length <= audioTracks) return;
  throw limitExceeded(
    `The video has ${audio.length} tracks of sound, and at most ${audioTracks} can be kept. ` +
      'Keep fewer, the first 8 for one: "ffmpeg -i VIDEO -map 0:v:0 -map 0:a:0 ... -map 0:a:7 -c copy KEPT", and upload that.',
  );
}

export type MediaToolsOptions = {
  /** Holds for all programs that this process starts. */
  budget?: Budget;
  /** Of what is read ahead; smaller in tests. */
  readAhead?: ReadAheadLimits;
  /** Where a source that is read several times is kept. Default: nowhere. */
  disk?: DiskOptions;
};

/** The media tools of the split service, on ffmpeg and ffprobe. */
export function ffmpegMediaTools(binaries: Binaries, options: MediaToolsOptions = {}): MediaTools {
  setBudget(options.budget ?? budgetOf());
  return mediaTools(binaries, options);
}

const mediaTools = ({ ffmpeg, ffprobe }: Binaries, options: MediaToolsOptions): MediaTools => ({
  open: async (original) => {
    const ahead = readAhead(limitFetches(original), options.readAhead ?? READ_AHEAD, options.disk);
    const source = checkSource(ahead);
    const server = await serveSource(source);
    const { address, pause, resume } = server;
    const close = async (): Promise<void> => {
      await server.close();
      await ahead.close();
    };
    const orFailed = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, source.failed]);

    const described = (probed: Probed, picture: number | undefined): DescribedMedia => {
      const { isDeep } = probed;
      const description = describeSource(probed.output, picture);
      const { format, video } = description;
      const stream = video?.index ?? 0;
      return {
        description,
        scan: async (ending, onPacket) => {
          const signal = orFailed(ending);
          const truncated = await isTruncated(source, format, signal);
          const table = hasSampleTable(format) ? await readSampleTable(source, stream, signal) : undefined;
          const reading = { binary: ffmpeg, directory: tmpdir(), address, stream, format, isDeep, signal };
          const { codec } = video ?? {};
          const isStart = await findFalseKeyframes({ ...reading, codec, readSecond: table?.readSecondKeyframe });
          if (table !== undefined && isStart === undefined) await ahead.leaveDisk();
          let number = 0;
          const add = (packet: PlannedPacket) => {
            onPacket(isStart === undefined ? packet : { ...packet, key: packet.key && isStart(number) });
            number += 1;
          };
          if (table === undefined) await scanPackets({ ...reading, binary: ffprobe, onPacket: add });
          else await eachInTurn(table.packets, add, signal);
          return { truncated };
        },
        containers: (extension) => containersFor(description, extension),
        cut: (job) => {
          const reading = { ...job, signal: orFailed(job.signal) };
          return cutToAnEnding(
            source.failed,
            job,
            cut({ binary: ffmpeg, ffprobe, address, source, probed, description }, reading),
          );
        },
      };
    };
    const describe = async (ending: AbortSignal): Promise<DescribedMedia> => {
      const signal = orFailed(ending);
      const probed = await probe(ffprobe, address, signal);
      const candidates = picturesInOrder(probed.output.streams).map(({ index }) => index);
      const { isDeep, output } = probed;
      const search = { binary: ffprobe, address, format: output.format.format_name, isDeep, signal };
      const found = described(probed, await firstWithPackets(search, candidates));
      assertTracksOfSound(found.description);
      return found;
    };
    return { describe, pause, resume, close };
  },
});
