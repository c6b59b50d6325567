import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import type { Container } from "../../split/ports/media-tools.ts";
import type { AssemblyContext } from "../assembly/assemble.ts";
import { MUX_OFFSET_SECONDS } from "../assembly/mux-segment.ts";
import type { Origin } from "../assembly/origin.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import { isIso } from "../formats/containers.ts";
import { pictureHasher } from "../formats/nal/units.ts";
import { Condition } from "../process/condition.ts";
import { unreadable } from "../process/errors.ts";
import { eachLine } from "../process/lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { type ContainerMetadata, flagsForTags, withoutFileTags } from "../source/container-metadata.ts";
import { hasSampleTable } from "../source/sample-table.ts";
import { type HashedPacket, hashedPacketOutputs, readHashedPackets } from "./hashed-packets.ts";

/** A segment in terms of packets, which are counted in decode order. */
export type CopiedSegment = {
  firstFrame: number;
  frames: number;
  /** When its first packet is shown: seconds from the video's first frame. */
  firstFrameTime: number;
};

export type CopiedVideoOptions = {
  /** ffprobe's name of the source's container. */
  format: string;
  /** ffmpeg's index of the stream. */
  video: number;
  /** As ffprobe names it. */
  codec: string;
  container: Container;
  metadata: ContainerMetadata;
  segments: readonly CopiedSegment[];
  /** The first segment that is needed. */
  from: number;
  /** Whether sound is to be joined with the picture. */
  hasSound: boolean;
  /** Whether frames that don't decode end the cut; else they are counted. */
  mustDecode: boolean;
};

type CopiedPipes = Readonly<Record<"list" | "lines" | "bytes", OutputPipe>>;

/** How long to wait before looking again whether ffmpeg has opened the next file: it does so right after its report. */
const NEXT_FILE_MS = 10;

/** With no further start ffmpeg would cut at its default of 2 seconds. */
const NEVER = ["-segment_time", "2000000000"];

/**
 * These hold no negative times, and decode times are before presentation times: what is to be joined
 * is ahead.
 */
const isAhead = ({ muxer }: Container, hasSound: boolean): boolean => hasSound && ["mpegts", "flv"].includes(muxer);

/**
 * Options of the lossless cut. Why each is there: docs/decisions/keyframe-cut.md
 */
const cutOptions = ({ container, metadata, segments, video, hasSound }: CopiedVideoOptions): string[] => {
  const starts = segments.slice(1).map(({ firstFrame }) => firstFrame);
  const options = ["fflags=+bitexact"];
  if (isIso(container) && !hasSound) options.push(`movflags=+faststart${flagsForTags(metadata)}`);
  // Records of Dolby Vision are none of MP4's own.
  if (isIso(container)) options.push("strict=unofficial");
  if (isAhead(container, hasSound)) options.push(`output_ts_offset=${MUX_OFFSET_SECONDS}`);
  return [
    ...["-map", `0:${video}`, "-map_chapters", "-1", "-c", "copy", "-copyinkf:v"],
    ...["-avoid_negative_ts", "disabled", "-max_muxing_queue_size", "4096"],
    ...["-muxdelay", "0", "-muxpreload", "0"],
    ...withoutFileTags(metadata, container.muxer),
    // Of the segment muxer too: it hands its own flags on to each segment's muxer, and Matroska's would
    // draw random ids.
    ...["-fflags", "+bitexact", "-f", "segment", "-segment_format", container.muxer],
    ...["-segment_format_options", options.join(":")],
    ...(starts.length > 0 ? ["-segment_frames", starts.join(",")] : NEVER),
    ...["-reset_timestamps", "1", "-segment_list", "pipe:3", "-segment_list_type", "csv"],
  ];
};

/** Codecs whose packets ffmpeg writes into MP4 and MOV as it read them there. */
const VERBATIM = ["h264", "hevc", "mpeg4", "vp9", "av1", "prores", "mjpeg"];

/**
 * Whether packets are the same in source and segment to the last byte: then ffmpeg hashes them on
 * the way, and none comes here.
 */
const isVerbatim = ({ format, container, codec }: CopiedVideoOptions): boolean =>
  hasSampleTable(format) && isIso(container) && VERBATIM.includes(codec);

/** Where the container doesn't say, a frame is as long as its neighbours are on average. */
function lastDuration(frames: readonly HashedPacket[]): number {
  const last = frames.at(-1);
  if (last === undefined || last.duration > 0) return last?.duration ?? 0;
  return (last.time - frames[0]!.time) / Math.max(1, frames.length - 1);
}

/**
 * The picture of a lossless cut: ffmpeg's segment muxer writes it to a file for each segment, and
 * what it writes is held against the packets that were read from the source.
 */
export class CopiedVideo implements VideoReader {
  readonly outputs: VideoReader["outputs"];
  readonly files: NonNullable<VideoReader["files"]>;
  readonly #options: CopiedVideoOptions;
  readonly #context: AssemblyContext;
  readonly #isVerbatim: boolean;
  readonly #changed = new Condition();
  /** Of the segments that aren't handed over, in decode order. */
  readonly #packets: HashedPacket[] = [];
  #reported = 0;
  #ended = false;
  #handingOver: Promise<void> | undefined;

  constructor(options: CopiedVideoOptions, context: AssemblyContext) {
    this.#options = options;
    this.#context = context;
    this.#isVerbatim = isVerbatim(options);
    // The list is the first, pipe:3, which the options of the segments name.
    this.outputs = { list: null, ...hashedPacketOutputs(options.video, this.#isVerbatim) };
    this.files = [{ path: `%05d.${options.container.extension}`, options: cutOptions(options) }];
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
   * Resolves when nothing of it runs any more. To be called once the reading has ended or was
   * aborted.
   */
  async ended(): Promise<void> {
    await this.#handingOver?.catch(() => {});
  }

  async #readPackets(pipes: CopiedPipes, origin: Origin): Promise<void> {
    const { codec, segments } = this.#options;
    const hash = this.#isVerbatim ? undefined : pictureHasher(codec);
    for await (const packet of readHashedPackets(pipes, hash)) {
      origin.set(packet.time - segments[0]!.firstFrameTime);
      this.#packets.push(packet);
      this.#changed.notify();
      await this.#context.assembly.videoRead(packet.time - origin.seconds!);
    }
  }

  /**
   * ffmpeg also reports the short last file of a run that fails, so a reported file counts as
   * complete only once the next one has been opened, or once ffmpeg has ended well.
   */
  async #handOver(origin: Origin): Promise<void> {
    const { signal } = this.#context;
    for (const [index, { frames }] of this.#options.segments.entries()) {
      const isRead = () => index < this.#reported && this.#packets.length >= frames;
      await this.#changed.waitFor(() => this.#ended || isRead(), signal);
      while (!this.#ended && this.#reported === index + 1 && !(await exists(this.#file(index + 1))))
        await sleep(NEXT_FILE_MS, undefined, { signal });
      const packets = this.#packets.splice(0, frames);
      if (packets.length < frames)
        throw unreadable(`the source ends within segment ${index}: ${packets.length} of its ${frames} frames came`);
      await this.#add(index, packets, origin.seconds!);
    }
  }

  async #add(index: number, packets: readonly HashedPacket[], origin: number): Promise<void> {
    const { codec, container, from, hasSound, mustDecode } = this.#options;
    const path = this.#file(index);
    const remove = () => rm(path, { force: true });
    if (index < from) return remove();
    const first = packets[0]!.time;
    const shown = packets.toSorted((one, other) => one.time - other.time);
    const begin = shown[0]!.time;
    this.#context.assembly.addVideo(index, {
      made: "copied",
      codec,
      // The first file has the times that ffmpeg gives the source; the others begin with their first packet.
      input: { path, begins: (index === 0 ? first : 0) + (isAhead(container, hasSound) ? MUX_OFFSET_SECONDS : 0) },
      clock: undefined,
      zero: first - origin,
      start: begin - origin,
      frames: shown.map(({ time, hash }) => ({ time: time - begin, hash })),
      lastDuration: lastDuration(shown),
      hash: this.#isVerbatim ? crc32 : pictureHasher(codec),
      startsOnKey: index > 0,
      mustDecode,
      remove,
    });
  }

  #file(index: number): string {
    const { container } = this.#options;
    return join(this.#context.spools.path, `${String(index).padStart(5, "0")}.${container.extension}`);
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
