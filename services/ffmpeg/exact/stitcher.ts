import type { ExactPlan, ExactSegment } from "../../split/domain/exact-segment.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { Assembly } from "../assembly/assembly.ts";
import type { Origin } from "../assembly/origin.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import type { SpoolFolder } from "../assembly/spool.ts";
import { H264Refusal } from "../formats/h264/refusal.ts";
import { type Mp4Header, mp4HeaderOf } from "../formats/iso/fragments.ts";
import { usesFourByteLengths } from "../formats/nal/decoder-configuration.ts";
import { isIdr, type NalCodec, NalReader } from "../formats/nal/units.ts";
import { isCausedByFile } from "../process/errors.ts";
import { type Clock, PACKET_BYTES, PACKET_LINES, type ReadPacket, readPackets } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { packetAfterSegment, type SeekPoint } from "../source/seek-point.ts";
import { AnchoredHeads } from "./anchored/anchored-heads.ts";
import type { AnchoringState } from "./anchored/anchoring-state.ts";
import { type Anchoring, BoundaryJobQueue } from "./boundary-job-queue.ts";
import { EncodedFrameAdapter } from "./encoded-frame-adapter.ts";
import type { Encoder } from "./encoders.ts";
import { PresentationTimes } from "./presentation-times.ts";
import { readMp4Header } from "./read-mp4-header.ts";
import { SegmentError, UnstitchableError } from "./segment-error.ts";
import { SourceMp4Headers } from "./source-mp4-headers.ts";
import { StitchError } from "./stitch-error.ts";
import { StitchedSegmentWriter } from "./stitched-segment-writer.ts";

export type Stitching = {
  binary: string;
  /** ffmpeg's index of the video stream. */
  video: number;
  codec: NalCodec;
  encoder: Encoder;
  /** How many encoders run concurrently. */
  concurrentJobs: number;
  plan: ExactPlan;
  index: PacketIndex;
  /**
   * Body of avcC or hvcC of each sample description, when the source has several; otherwise empty.
   */
  configurations: readonly Buffer[];
  /** Whether parameter sets can only be stored in the stream: transport streams. */
  isStartCoded: boolean;
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Where reading begins. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  spools: SpoolFolder;
  /** Which heads may be anchored. */
  anchoring: AnchoringState;
  signal: AbortSignal;
};

type StitchedPipes = Readonly<Record<"header" | "lines" | "bytes", OutputPipe>>;

/**
 * The exact cut of H.264 and HEVC. Frames between boundaries are copied; only the groups of
 * pictures that contain a boundary are decoded and re-encoded. This class reads the source's
 * packets and passes each one to the boundary jobs and to the segment writer.
 * docs/decisions/exact-cut.md
 */
export class Stitcher implements VideoReader {
  readonly outputs: VideoReader["outputs"];
  readonly #stitching: Stitching;
  readonly #assembly: Assembly;
  #encoder: BoundaryJobQueue | undefined;

  constructor(stitching: Stitching, assembly: Assembly) {
    this.#stitching = stitching;
    this.#assembly = assembly;
    const map = ["-map", `0:${stitching.video}`, "-c", "copy", "-map_chapters", "-1", "-copyinkf"];
    const first = ["-frames:v", "1", "-flush_packets", "1", "-f", "mp4"];
    this.outputs = {
      header: [...map, ...first, "-movflags", "empty_moov+default_base_moof+frag_keyframe"],
      lines: [...map, "-max_muxing_queue_size", "4096", ...PACKET_LINES],
      bytes: [...map, "-max_muxing_queue_size", "4096", ...PACKET_BYTES],
    };
  }

  async read(pipes: StitchedPipes, origin: Origin): Promise<void> {
    const { codec, index, plan, last, signal } = this.#stitching;
    const header = mp4HeaderOf(await readMp4Header(pipes.header), codec);
    if (!usesFourByteLengths(header.configuration, codec))
      throw new StitchError("the source's NAL units have length fields shorter than 4 bytes");
    const { packet: first, needed } = this.#stitching.seek ?? { packet: 0, needed: 0 };
    const end = packetAfterSegment(plan, last);
    let count = first;
    let shift = 0;
    let router: Router | undefined;
    for await (const packet of readPackets(pipes.lines, pipes.bytes)) {
      if (count >= index.count) throw new StitchError("the source has more packets than its index");
      const time = secondsOf(packet);
      const planned = index.time(count);
      if (router === undefined) {
        shift = time - planned;
        origin.set(plan.origin + shift, packet.clock);
        router = this.#route(header, packet.clock);
      }
      // Half a tick, or ffprobe's rounding to microseconds.
      if (count >= needed && Math.abs(time - planned - shift) > Math.max(0.5 / packet.clock.den, 3e-6))
        throw new StitchError(`packet ${count} is at ${time} s; the index says ${planned + shift} s`);
      await router.add(count, packet.data);
      count += 1;
      if (count === end) this.#assembly.allVideoRead();
    }
    signal.throwIfAborted();
    if (count !== index.count) throw new StitchError(`the source ends after ${count} of ${index.count} packets`);
    await this.#encoder?.end();
  }

  #route(sourceHeader: Mp4Header, { den: ticksPerSecond }: Clock): Router {
    const {
      plan,
      index,
      codec,
      isStartCoded,
      binary,
      encoder,
      concurrentJobs,
      spools,
      signal,
      from,
      last,
      seek,
      configurations,
    } = this.#stitching;
    const presentationTimes = new PresentationTimes(plan, index, ticksPerSecond);
    const headers = new SourceMp4Headers(sourceHeader.withClock(ticksPerSecond), codec, index, configurations);
    const jobs = plan.jobs;
    const runs = jobs.flatMap((job) => job.parts);
    const encoded = new EncodedFrameAdapter(codec, headers.configurations, runs);
    if (seek !== undefined) encoded.inspect(plan.rankOf[0]!, new NalReader().framed(seek.start), index.isKey(0));
    const source = { codec, plan, index, presentationTimes, headers, encoded, isStartCoded };
    const writer = new StitchedSegmentWriter({ binary, source, from, last, spools, signal }, this.#assembly);
    this.#encoder = new BoundaryJobQueue({
      binary,
      directory: spools.path,
      encoder,
      concurrentJobs,
      headers,
      presentationTimes,
      jobs: jobs.filter(({ parts }) => parts.some((run) => writer.isNeeded(run))),
      signal,
      onFrame: (run, frame, configuration) =>
        writer.addEncoded(run, encoded.frame(run, frame), encoded.configuration(configuration)),
      anchoring: this.#anchoring(headers, encoded, writer),
      onFailedRuns: (runs, reason) => {
        const failure = new SegmentError(`the frames around a boundary can't be encoded (${reason})`, {
          cause: reason,
        });
        for (const run of runs) this.#assembly.failSegment(writer.segmentOf(run), failure);
      },
      onFailure: (reason) => this.#assembly.fail(reason),
    });
    return new Router({ codec, plan, index, encoder: this.#encoder, encoded, writer, assembly: this.#assembly });
  }

  /** How heads are anchored; undefined where the whole video is of another kind. */
  #anchoring(
    headers: SourceMp4Headers,
    encoded: EncodedFrameAdapter,
    writer: StitchedSegmentWriter,
  ): Anchoring | undefined {
    const { codec, plan, spools, anchoring: state } = this.#stitching;
    if (codec !== "h264" || !state.isOn) return undefined;
    try {
      if (headers.configurations.length > 1)
        throw new H264Refusal("changing parameter sets", "there are several sample descriptions");
      const heads = new AnchoredHeads({ plan, header: headers.ofPacket(0), encoded, spools });
      const mayAnchor = ({ index, head }: ExactSegment) => state.mayAnchor(index) && writer.isNeeded(head);
      return { heads, state, mayAnchor, onHead: (segment, head) => writer.addAnchored(segment, head) };
    } catch (error) {
      if (!(error instanceof H264Refusal) && !isCausedByFile(error)) throw error;
      state.refuseAll(error);
      return undefined;
    }
  }

  /**
   * Resolves when nothing started by `read` runs any more. Call it when the reading has ended or
   * was aborted.
   */
  async ended(): Promise<void> {
    await this.#encoder?.ended();
  }
}

type Routes = {
  codec: NalCodec;
  plan: ExactPlan;
  index: PacketIndex;
  encoder: BoundaryJobQueue;
  encoded: EncodedFrameAdapter;
  writer: StitchedSegmentWriter;
  assembly: Assembly;
};

/** Passes each packet of the source to the boundary jobs and the segment writer. */
class Router {
  readonly #routes: Routes;
  readonly #nal = new NalReader();
  #segment = 0;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** Passes on the next packet, in decode order. Resolves when more may be read. */
  async add(packet: number, data: Buffer): Promise<void> {
    const { plan, index, encoder, encoded, writer, assembly } = this.#routes;
    const framed = this.#nal.framed(data);
    const isKey = index.isKey(packet);
    encoded.inspect(plan.rankOf[packet]!, framed, isKey);
    await encoder.add(packet, framed, isKey);
    const segment = this.#copyingSegment(packet);
    if (segment?.copied?.from === packet) this.#checkStart(segment, framed);
    if (segment !== undefined) await writer.addCopied(segment, packet, framed);
    if (plan.rankOf[packet]! >= 0) await assembly.videoRead(index.time(packet) - plan.origin);
  }

  /**
   * Encoded frames have a sequence parameter set of their own, and H.264 allows another one only from
   * an IDR picture on (section 7.4.1.2.1). Behind other keyframes, decoders drop and reorder frames.
   */
  #checkStart({ index, head }: ExactSegment, framed: Buffer): void {
    const { codec, assembly } = this.#routes;
    if (codec !== "h264" || head.from === head.to || isIdr(codec, framed)) return;
    assembly.failSegment(index, new UnstitchableError("encoded frames can't be in front of a keyframe that isn't IDR"));
  }

  /** The segment that a packet is copied into; undefined when it isn't copied. */
  #copyingSegment(packet: number): ExactSegment | undefined {
    const { segments, rankOf } = this.#routes.plan;
    while (this.#segment < segments.length && this.#isPast(segments[this.#segment]!, packet)) this.#segment += 1;
    const rank = rankOf[packet]!;
    // Pictures that precede the first copied keyframe in presentation order are re-encoded. Packets
    // of segments that are copied as they are may be among those of the segment before.
    return segments
      .slice(this.#segment, this.#segment + 2)
      .find(
        ({ copied, head, tail }) =>
          copied !== undefined && packet >= copied.from && packet < copied.to && rank >= head.to && rank < tail.from,
      );
  }

  /** Whether no packet from this one on is copied into the segment. */
  #isPast({ copied, ranks }: ExactSegment, packet: number): boolean {
    if (copied !== undefined) return packet >= copied.to;
    return packet > this.#routes.plan.packetOf[ranks.to - 1]!;
  }
}

const secondsOf = ({ pts, dts, clock }: Pick<ReadPacket, "pts" | "dts" | "clock">): number =>
  ((pts ?? dts) * clock.num) / clock.den;
