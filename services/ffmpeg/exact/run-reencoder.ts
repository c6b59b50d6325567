import { megabytes } from "../../split/domain/budget.ts";
import { type EncoderRun, upTo } from "../../split/domain/encoder-runs.ts";
import type { ExactPlan } from "../../split/domain/exact-segment.ts";
import { framesIn, undecodedIn } from "../../split/domain/missing-frames.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { Assembly } from "../assembly/assembly.ts";
import type { Origin } from "../assembly/origin.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import type { SpoolFolder } from "../assembly/spool.ts";
import { readMatroska } from "../formats/matroska/reader.ts";
import { type MatroskaHeader, matroskaHeader } from "../formats/matroska/writer.ts";
import { isHiddenFrame } from "../formats/vpx/hidden-frame.ts";
import { unreadable } from "../process/errors.ts";
import { PACKET_LINES, readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import type { SeekPoint } from "../source/seek-point.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { type FedPacket, RunEncoder, ticksOfOffset } from "./encode-run.ts";
import { EncodedSegmentWriter } from "./encoded-segment-writer.ts";
import type { Encoder } from "./encoders.ts";
import { masteringMetadataAdder } from "./mastering-metadata.ts";

export type RunReencoding = {
  binary: string;
  /** ffmpeg's index of the video stream. */
  video: number;
  encoder: Encoder;
  /** Format of the source's video. */
  videoFormat: VideoFormat;
  /** Frame size in pixels, as displayed. */
  size: [number, number];
  plan: ExactPlan;
  index: PacketIndex;
  /** All of the plan's. */
  runs: readonly EncoderRun[];
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Where reading begins. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  spools: SpoolFolder;
  signal: AbortSignal;
};

type CopiedPipes = Readonly<Record<"lines" | "stream", OutputPipe>>;

/** Packets that the run after the current one needs too, and that are kept for it. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** As in `Stitcher`: half a tick, or ffprobe's rounding to microseconds. */
const sameSeconds = (ticksPerSecond: number): number => Math.max(0.5 / ticksPerSecond, 3e-6);

/**
 * The exact cut of a video that can't be stitched: all frames are encoded again. The source is read
 * once, and each packet is passed on to the encoders that need it: one after the other, each for a
 * run of segments that follows from the plan. So a segment's bytes don't depend on where this
 * reading began. The frames that the decoder returns count as the source's.
 */
export class RunReencoder implements VideoReader {
  readonly outputs: VideoReader["outputs"];
  readonly #reencoding: RunReencoding;
  readonly #assembly: Assembly;
  readonly #writer: EncodedSegmentWriter;
  /** Those that aren't done yet, in order. */
  readonly #runs: EncoderRun[];
  /** Packets that a run will need: consecutive ones, in decode order. */
  #kept: FedPacket[] = [];
  #keptBytes = 0;
  #current: RunEncoder | undefined;
  /** The packet that the current run gets next. */
  #next = 0;
  #header: MatroskaHeader | undefined;
  /** What ffmpeg complained of where nothing could be decoded. */
  #failure: unknown;
  /** Packets of each segment that are decoded and not shown. */
  readonly #hidden = new Map<number, number>();
  #mastering: ((keyframe: Buffer) => Buffer) | undefined;

  constructor(reencoding: RunReencoding, assembly: Assembly) {
    this.#reencoding = reencoding;
    this.#assembly = assembly;
    const { video, encoder, plan, index, runs, from, last, size, spools } = reencoding;
    const starts = plan.segments.map(({ start }) => start);
    const writing = { codec: encoder.codec, size, starts, from, last, spools };
    const undecoded = (segment: number, decoded: readonly number[]) => undecodedIn(segment, plan, index, decoded);
    const maxFramesIn = (segment: number) => framesIn(segment, plan);
    const hiddenIn = (segment: number) => this.#hidden.get(segment) ?? 0;
    this.#writer = new EncodedSegmentWriter({ ...writing, undecodedIn: undecoded, hiddenIn, maxFramesIn }, assembly);
    this.#runs = runs
      .filter(({ to }) => to > from)
      // Nothing behind the last segment is encoded.
      .map((run) => upTo(last, run, plan));
    const map = ["-map", `0:${video}`, "-c", "copy", "-map_chapters", "-1", "-copyinkf"];
    const queue = ["-max_muxing_queue_size", "4096"];
    this.outputs = {
      lines: [...map, ...queue, ...PACKET_LINES],
      stream: [...map, ...queue, "-flush_packets", "1", "-f", "matroska"],
    };
  }

  async read({ lines, stream }: CopiedPipes, origin: Origin): Promise<void> {
    const { plan, index, last, seek, signal } = this.#reencoding;
    const times = readPacketLines(lines);
    const { packet: first, needed } = seek ?? { packet: 0, needed: 0 };
    const end = this.#runs.findLast((run) => run.from <= last)?.packets.to;
    if (first > (this.#runs[0]?.packets.from ?? first))
      throw unreadable(`reading begins at packet ${first}, behind what must be decoded`);
    let number = first;
    let shift = 0;
    const onTracks = (tracks: Parameters<typeof matroskaHeader>[0]) => {
      this.#header = matroskaHeader(tracks);
    };
    await readMatroska(stream, onTracks, async ({ key, data, additions }) => {
      const { value } = await times.next();
      if (value === undefined) throw unreadable("ffmpeg wrote more packets than lines");
      if (number >= index.count) throw unreadable("the source has more packets than its index");
      const { clock, line } = value;
      const ticks = line.pts ?? line.dts;
      const time = (ticks * clock.num) / clock.den;
      if (number === first) {
        // After a seek, times are the source's, and ffmpeg guesses the first one where there's none.
        shift = seek === undefined ? time - index.time(number) : 0;
        origin.set(plan.origin + shift, clock);
      }
      const expected = index.time(number) + shift;
      if (number >= needed && Math.abs(time - expected) > sameSeconds(clock.den / clock.num))
        throw unreadable(`packet ${number} is at ${time} s; the index says ${expected} s`);
      this.#mastering ??= this.#masteringOf(seek?.start ?? data);
      const zero = Math.round(((plan.origin + shift) * clock.den) / clock.num) - ticksOfOffset(clock);
      this.#countHidden(number, data);
      await this.#add({ number, clock, ticks: ticks - zero, key, data, additions });
      number += 1;
      if (number === end && this.#writer.next > last) this.#assembly.allVideoRead();
      await this.#assembly.videoRead(index.time(number - 1) - plan.origin);
    });
    for await (const _ of times);
    signal.throwIfAborted();
    await this.#endRun();
    if (this.#writer.next === 0 && this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when no encoder runs any more. Call it when the reading has ended or was aborted. */
  async ended(): Promise<void> {
    await this.#current?.ended();
  }

  #countHidden(number: number, data: Buffer): void {
    const { videoFormat, index, plan } = this.#reencoding;
    if (!isHiddenFrame(videoFormat.codec, data)) return;
    const segment = this.#assembly.segmentAt(index.time(number) - plan.origin);
    this.#hidden.set(segment, (this.#hidden.get(segment) ?? 0) + 1);
  }

  #masteringOf(packet: Buffer): (keyframe: Buffer) => Buffer {
    const { videoFormat, encoder } = this.#reencoding;
    return masteringMetadataAdder(videoFormat.codec, Buffer.from(packet), encoder.codec);
  }

  /** Passes on the next packet. Resolves when more may be read. */
  async #add(packet: FedPacket): Promise<void> {
    const [run] = this.#runs;
    if (run === undefined || this.#isDone(run) || packet.number < run.packets.from) return;
    // Data is a view of a larger chunk, all of which would stay in memory.
    const additions = packet.additions && Buffer.from(packet.additions);
    this.#kept.push({ ...packet, data: Buffer.from(packet.data), additions });
    this.#keptBytes += packet.data.length;
    for (;;) {
      const [current] = this.#runs;
      if (current === undefined || this.#isDone(current)) break;
      await this.#feed(current);
      if (packet.number + 1 < current.packets.to) break;
      await this.#endRun();
      this.#runs.shift();
    }
    this.#forget();
  }

  /** Whether this run and those behind it aren't needed. */
  #isDone({ from }: EncoderRun): boolean {
    const { last } = this.#reencoding;
    // Where nothing of the last segments can be decoded, it matters whether later ones can be.
    return from > last && this.#writer.next > last;
  }

  /** Passes on what is kept for the run. */
  async #feed(run: EncoderRun): Promise<void> {
    if (this.#current === undefined) {
      const { binary, encoder, videoFormat, plan, spools, signal } = this.#reencoding;
      if (this.#header === undefined || this.#mastering === undefined)
        throw unreadable("ffmpeg wrote no header for the video");
      this.#next = run.packets.from;
      this.#current = new RunEncoder({
        ...{ binary, directory: spools.path, encoder, videoFormat, run, plan, signal },
        ...{ header: this.#header, mastering: this.#mastering, writer: this.#writer },
        clock: this.#kept[0]!.clock,
      });
    }
    const first = this.#kept[0]!.number;
    while (this.#next < run.packets.to) {
      const packet = this.#kept[this.#next - first];
      if (packet === undefined) return;
      await this.#current.feed(packet);
      this.#next += 1;
    }
  }

  async #endRun(): Promise<void> {
    const failure = await this.#current?.end();
    this.#failure ??= failure;
    this.#current = undefined;
  }

  /** Forgets packets that the run behind the current one doesn't need. */
  #forget(): void {
    const from = this.#runs[1]?.packets.from ?? Number.POSITIVE_INFINITY;
    const needed = this.#kept.findIndex(({ number }) => number >= from);
    const forgotten = this.#kept.splice(0, needed === -1 ? this.#kept.length : needed);
    this.#keptBytes -= forgotten.reduce((sum, { data }) => sum + data.length, 0);
    if (this.#keptBytes > MAX_KEPT_BYTES)
      throw unreadable(`more than ${megabytes(MAX_KEPT_BYTES)} would be kept for the next encoder`);
  }
}
