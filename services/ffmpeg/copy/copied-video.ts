import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { Container } from "../../split/ports/media-tools.ts";
import type { AssemblyContext } from "../assembly/assemble.ts";
import { MUX_OFFSET_SECONDS } from "../assembly/mux-segment.ts";
import type { Origin } from "../assembly/origin.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import { isIso } from "../formats/containers.ts";
import { pictureHasher } from "../formats/nal/units.ts";
import { Condition } from "../process/condition.ts";
import { CutFailedError, unreadable } from "../process/errors.ts";
import { eachLine } from "../process/lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { type ContainerMetadata, flagsForTags, withoutFileTags } from "../source/container-metadata.ts";
import { hasSampleTable } from "../source/sample-table.ts";
import { assertTime, type SeekPoint } from "../source/seek-point.ts";
import { type HashedPacket, hashedPacketOutputs, readHashedPackets } from "./hashed-packets.ts";

/** A segment by its packets, counted in decode order. */
export type CopiedSegment = {
  firstFrame: number;
  frames: number;
  /** Presentation time of its first packet: seconds from the first video frame. */
  firstFrameTime: number;
};

export type CopiedVideoOptions = {
  /** The source's container, as ffprobe names it. */
  format: string;
  /** ffmpeg's index of the video stream. */
  video: number;
  /** Codec, as ffprobe names it. */
  codec: string;
  container: Container;
  metadata: ContainerMetadata;
  segments: readonly CopiedSegment[];
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Where reading begins. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  /** The source's packets. After a seek, the times of those that are read are compared with it. */
  index: PacketIndex;
  /** Of the source's video track. Default: unknown. */
  secondsPerTick?: number | undefined;
  /** Whether audio will be muxed with the video. */
  hasAudio: boolean;
  /** Whether frames that don't decode fail the cut; otherwise they are counted. */
  mustDecode: boolean;
  /** Whether nothing in a segment may decode. Default: no, unless it's damaged. */
  mayBeUndecodable?: boolean;
};

type CopiedPipes = Readonly<Record<"list" | "lines" | "bytes", OutputPipe>>;

/**
 * How long to wait before checking again whether ffmpeg has opened the next file, which it does
 * right after reporting the previous one.
 */
const NEXT_FILE_MS = 10;

/** Without a further boundary, ffmpeg would cut at its default of 2 seconds. */
const NEVER = ["-segment_time", "2000000000"];

/**
 * These containers have no negative times, and decode times precede presentation times: video that
 * will be muxed is shifted.
 */
const isShifted = ({ muxer }: Container, hasAudio: boolean): boolean => hasAudio && ["mpegts", "flv"].includes(muxer);

/**
 * ffmpeg's segment muxer rounds the time at which a segment starts to this. With finer ticks its first
 * frame would be before zero, where players don't show it.
 */
const SECONDS_PER_START_TICK = 1e-6;

/** ffmpeg's options of the lossless cut, explained in docs/decisions/keyframe-cut.md */
const cutOptions = (
  { container, metadata, video, hasAudio, secondsPerTick = 1 }: CopiedVideoOptions,
  starts: readonly number[],
): string[] => {
  const options = ["fflags=+bitexact"];
  if (isIso(container) && !hasAudio) options.push(`movflags=+faststart${flagsForTags(metadata)}`);
  // MP4's standard has no Dolby Vision records.
  if (isIso(container)) options.push("strict=unofficial");
  if (isIso(container) && secondsPerTick < SECONDS_PER_START_TICK)
    options.push(`video_track_timescale=${Math.round(1 / SECONDS_PER_START_TICK)}`);
  if (isShifted(container, hasAudio)) options.push(`output_ts_offset=${MUX_OFFSET_SECONDS}`);
  return [
    ...["-map", `0:${video}`, "-map_chapters", "-1", "-c", "copy", "-copyinkf:v"],
    ...["-avoid_negative_ts", "disabled", "-max_muxing_queue_size", "4096"],
    ...["-muxdelay", "0", "-muxpreload", "0"],
    ...withoutFileTags(metadata, container.muxer),
    // The segment muxer passes its own flags on to each segment's muxer; without bitexact, Matroska
    // would get random UIDs.
    ...["-fflags", "+bitexact", "-f", "segment", "-segment_format", container.muxer],
    ...["-segment_format_options", options.join(":")],
    ...(starts.length > 0 ? ["-segment_frames", starts.join(",")] : NEVER),
    // ffmpeg doesn't take a damaged packet for a keyframe, whatever the container says.
    ...["-break_non_keyframes", "1"],
    ...["-reset_timestamps", "1", "-segment_list", "pipe:3", "-segment_list_type", "csv"],
  ];
};

/** Codecs whose packets ffmpeg copies unchanged between MP4 and MOV files. */
const VERBATIM = ["h264", "hevc", "mpeg4", "vp9", "av1", "prores", "mjpeg"];

/**
 * Whether packets are identical in source and segment: then ffmpeg hashes them, and their bytes
 * don't pass through this process.
 */
const isVerbatim = ({ format, container, codec }: CopiedVideoOptions): boolean =>
  hasSampleTable(format) && isIso(container) && VERBATIM.includes(codec);

/** A file of the segment muxer: a segment, or the end of one when reading begins within it. */
type SegmentFile = { index: number; firstPacket: number; packets: number };

/** The last one holds what comes after the last segment that is needed. */
function filesOf({ segments, seek, last }: CopiedVideoOptions): SegmentFile[] {
  const begin = seek?.packet ?? 0;
  return segments.slice(0, last + 2).flatMap(({ firstFrame, frames }, index) => {
    const skipped = Math.max(0, begin - firstFrame);
    return skipped >= frames ? [] : [{ index, firstPacket: firstFrame + skipped - begin, packets: frames - skipped }];
  });
}

/**
 * Throws `CutFailedError` for a packet at another time than in the index: some MP4s have frames that are
 * presented before they are decoded, whose times ffmpeg changes.
 */
function assertSameTime(time: number, packet: number, index: PacketIndex): void {
  const expected = packet < index.count ? index.time(packet) : Number.NaN;
  if (!(Math.abs(time - expected) <= MAX_ROUNDING_SECONDS))
    throw new CutFailedError(
      "ProofFailed",
      `frame ${packet} would be at ${time} s; the source has it at ${expected} s`,
    );
}

/** Containers round times to milliseconds. */
const MAX_ROUNDING_SECONDS = 0.001;

/** Without a duration in the container, the last frame gets the average duration. */
function lastDuration(frames: readonly HashedPacket[]): number {
  const last = frames.at(-1);
  if (last === undefined || last.duration > 0) return last?.duration ?? 0;
  return (last.time - frames[0]!.time) / Math.max(1, frames.length - 1);
}

/**
 * The video of a lossless cut. ffmpeg's segment muxer writes a file for each segment; its packets
 * are compared with those read from the source.
 */
export class CopiedVideo implements VideoReader {
  readonly outputs: VideoReader["outputs"];
  readonly files: NonNullable<VideoReader["files"]>;
  readonly #options: CopiedVideoOptions;
  readonly #context: AssemblyContext;
  readonly #isVerbatim: boolean;
  readonly #segmentFiles: readonly SegmentFile[];
  readonly #changed = new Condition();
  /** Packets of the segments that weren't handed over yet, in decode order. */
  readonly #packets: HashedPacket[] = [];
  #reported = 0;
  #ended = false;
  #handingOver: Promise<void> | undefined;

  constructor(options: CopiedVideoOptions, context: AssemblyContext) {
    this.#options = options;
    this.#context = context;
    this.#isVerbatim = isVerbatim(options);
    this.#segmentFiles = filesOf(options);
    const starts = this.#segmentFiles.slice(1).map(({ firstPacket }) => firstPacket);
    // The list must be the first, pipe:3: the segment muxer's options name it.
    this.outputs = { list: null, ...hashedPacketOutputs(options.video, this.#isVerbatim) };
    this.files = [{ path: `%05d.${options.container.extension}`, options: cutOptions(options, starts) }];
  }

  async read(pipes: CopiedPipes, origin: Origin): Promise<void> {
    const onReport = () => {
      this.#reported += 1;
      this.#changed.notify();
    };
    const reading = Promise.all([eachLine(pipes.list, onReport), this.#readPackets(pipes, origin)]).then(() => {
      this.#ended = true;
      this.#changed.notify();
    });
    this.#handingOver = this.#handOver(origin);
    await Promise.all([reading, this.#handingOver]);
  }

  /**
   * Resolves when nothing started by `read` runs any more. Call it when the reading has ended or
   * was aborted.
   */
  async ended(): Promise<void> {
    await this.#handingOver?.catch(() => {});
  }

  async #readPackets(pipes: CopiedPipes, origin: Origin): Promise<void> {
    const { format, codec, segments, seek, index } = this.#options;
    const firstTime = seek?.time ?? segments[0]!.firstFrameTime;
    const hash = this.#isVerbatim ? undefined : pictureHasher(codec);
    let number = seek?.packet ?? 0;
    let packetZero = 0;
    for await (const packet of readHashedPackets(pipes, hash)) {
      origin.set(packet.time - firstTime, packet.clock);
      if (number === 0) packetZero = packet.time - index.time(0);
      if (seek !== undefined) assertTime(packet.time, number, seek, index);
      else if (hasSampleTable(format)) assertSameTime(packet.time - packetZero, number, index);
      number += 1;
      this.#packets.push(packet);
      this.#changed.notify();
      await this.#context.assembly.videoRead(packet.time - origin.seconds!);
    }
  }

  /**
   * A failing ffmpeg also reports its last, short file. So a reported file counts as complete when
   * the next one is open, or when ffmpeg has ended successfully.
   */
  async #handOver(origin: Origin): Promise<void> {
    const { signal } = this.#context;
    for (const [file, { index, packets: count }] of this.#segmentFiles.entries()) {
      if (index > this.#options.last) return;
      const isRead = () => file < this.#reported && this.#packets.length >= count;
      await this.#changed.waitFor(() => this.#ended || isRead(), signal);
      while (!this.#ended && this.#reported === file + 1 && !(await exists(this.#pathOf(file + 1))))
        await sleep(NEXT_FILE_MS, undefined, { signal });
      const packets = this.#packets.splice(0, count);
      if (packets.length < count)
        throw unreadable(`the source ends within segment ${index}: ${packets.length} of its ${count} frames came`);
      await this.#add(index, file, packets, origin.seconds!);
    }
  }

  async #add(index: number, file: number, packets: readonly HashedPacket[], origin: number): Promise<void> {
    const { codec, container, from, hasAudio, mustDecode, mayBeUndecodable = false } = this.#options;
    const { firstFrame, frames } = this.#options.segments[index]!;
    const path = this.#pathOf(file);
    const remove = () => rm(path, { force: true });
    if (index < from) return remove();
    const first = packets[0]!.time;
    const shown = packets.toSorted((one, other) => one.time - other.time);
    const begin = shown[0]!.time;
    this.#context.assembly.addVideo(index, {
      made: "copied",
      codec,
      // The first file keeps the times of the source; the others begin with their first packet at
      // zero.
      input: { path, begins: (file === 0 ? first : 0) + (isShifted(container, hasAudio) ? MUX_OFFSET_SECONDS : 0) },
      clock: undefined,
      zero: first - origin,
      start: begin - origin,
      frames: shown.map(({ time, hash }) => ({ time: time - begin, hash })),
      lastDuration: lastDuration(shown),
      hash: this.#isVerbatim ? crc32 : pictureHasher(codec),
      startsOnKey: index > 0,
      mustDecode,
      mayBeUndecodable,
      hasLoss: this.#options.index.losses.some((packet) => packet >= firstFrame && packet < firstFrame + frames),
      remove,
    });
  }

  #pathOf(file: number): string {
    const { container } = this.#options;
    return join(this.#context.spools.path, `${String(file).padStart(5, "0")}.${container.extension}`);
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
