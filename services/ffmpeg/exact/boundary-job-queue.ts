import type { EncodeJob, ExactSegment, Ranks } from "../../split/domain/exact-segment.ts";
import { H264Refusal, orRefusal } from "../formats/h264/refusal.ts";
import { fragmentHeader } from "../formats/iso/fragments.ts";
import { Condition } from "../process/condition.ts";
import { isCausedByFile } from "../process/errors.ts";
import type { AnchoredGroup, AnchoredHead, AnchoredHeads } from "./anchored/anchored-heads.ts";
import type { AnchoringState } from "./anchored/anchoring-state.ts";
import { GatheredGroup, MAX_GATHERED_BYTES } from "./anchored/gathered-group.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { Encoder } from "./encoders.ts";
import { decodeTimes, type PresentationTimes } from "./presentation-times.ts";
import { type BoundaryEncoderRun, runBoundaryEncoder } from "./run-boundary-encoder.ts";
import type { SourceMp4Headers } from "./source-mp4-headers.ts";
import { StitchError } from "./stitch-error.ts";

export type BoundaryJobQueueOptions = {
  binary: string;
  directory: string;
  encoder: Encoder;
  /** How many jobs run concurrently. */
  concurrentJobs: number;
  /** MP4 headers of the source, with the clock of `presentationTimes`. */
  headers: SourceMp4Headers;
  presentationTimes: PresentationTimes;
  /** In the order of their first packets. */
  jobs: readonly EncodeJob[];
  signal: AbortSignal;
  /**
   * Called for each encoded frame; frames of a run come in presentation order. `configuration` is
   * avcC or hvcC.
   */
  onFrame: (run: Ranks, frame: Buffer, configuration: Buffer) => Promise<void>;
  /** Makes heads with few encoded frames; undefined: all of a head is encoded. */
  anchoring?: Anchoring | undefined;
  /** Called when the file causes a job's failure: these frames can't be encoded. */
  onFailedRuns: (runs: readonly Ranks[], reason: unknown) => void;
  /** Called once, with the first other failure. */
  onFailure: (reason: unknown) => void;
};

export type Anchoring = {
  heads: AnchoredHeads;
  state: AnchoringState;
  /** Whether a segment is needed, and may begin with anchors. */
  mayAnchor: (segment: ExactSegment) => boolean;
  /** Called with the first packets of a segment, instead of its head's frames. */
  onHead: (segment: ExactSegment, head: AnchoredHead) => Promise<void>;
};

/** Bytes that may wait for a running encoder to read them. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** Bytes that may be kept for jobs that wait for a slot: hundreds of a camera's largest packets. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

type Job = EncodeJob & {
  encoder: Encoder;
  /** Decode times of its packets, in ticks of the encoder's input. */
  decodeTimes: number[];
  /** Added to presentation times in the encoder's input, in ticks. */
  shift: number;
  queue: ByteQueue;
  isRunning: boolean;
  /** Its packets, until it's known whether its head is anchored. */
  gathered?: GatheredGroup | undefined;
  /** The head that is anchored. */
  anchored?: AnchoredGroup | undefined;
};

/**
 * Encodes the boundaries of a plan while the source is read. Each job decodes one group of
 * pictures. Jobs overlap where pictures refer to a keyframe that is stored before them. A slot is
 * free once its job has read all of its packets, so no packet waits for a slot while a running job
 * needs further ones. Until then, packets are kept for the waiting jobs.
 */
export class BoundaryJobQueue {
  readonly #options: BoundaryJobQueueOptions;
  readonly #changed = new Condition();
  readonly #ended: Promise<void>[] = [];
  /** Jobs that need further packets. */
  #incomplete: Job[] = [];
  readonly #waiting = new Set<Job>();
  /** Jobs whose packets are gathered, and which haven't been planned. */
  readonly #gathering = new Set<Job>();
  #startedJobs = 0;
  #freeSlots: number;
  #failure: { reason: unknown } | undefined;

  constructor(options: BoundaryJobQueueOptions) {
    this.#options = options;
    this.#freeSlots = options.concurrentJobs;
  }

  /**
   * Adds the next packet of the source, in 4-byte length format; none may be skipped. Resolves when
   * more may be added. Throws the first failure of a job, unless the file causes it.
   */
  async add(packet: number, framed: Buffer, isKey: boolean): Promise<void> {
    this.#throwIfFailed();
    const { jobs } = this.#options;
    for (const job of this.#gathering) if (packet === job.packets.to) this.#planHead(job, framed);
    for (let job = jobs[this.#startedJobs]; job?.packets.from === packet; job = jobs[this.#startedJobs]) {
      this.#startedJobs += 1;
      this.#start(job);
    }
    for (const job of this.#incomplete) {
      const data = packet === job.packets.from ? framed : this.#options.headers.withParameterSets(packet, framed);
      job.gathered?.add(data);
      job.queue.add(this.#fragment(job, packet, data, isKey));
      if (packet + 1 === job.packets.to) job.queue.end();
    }
    this.#limitGathered();
    this.#incomplete = this.#incomplete.filter(({ packets }) => packet + 1 < packets.to);
    await this.#room();
  }

  /** Call it after the last packet. Resolves when all jobs have ended; throws the first failure. */
  async end(): Promise<void> {
    await this.ended();
    this.#throwIfFailed();
  }

  /** Resolves when no job runs any more, however it ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#ended);
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  async #room(): Promise<void> {
    for (const { queue, isRunning } of this.#incomplete) if (isRunning) await queue.room();
    const isNeeded = () => this.#incomplete.some(({ isRunning }) => isRunning);
    const bytes = [...this.#waiting].reduce((sum, { queue }) => sum + queue.bytes, 0);
    if (bytes > MAX_WAITING_BYTES && isNeeded())
      throw new StitchError(`boundaries overlap by more than ${MAX_WAITING_BYTES} bytes`);
    await this.#changed.waitFor(() => {
      this.#throwIfFailed();
      return this.#waiting.size === 0 || isNeeded();
    }, this.#options.signal);
  }

  #start(job: EncodeJob): void {
    const { headers, presentationTimes, signal, anchoring } = this.#options;
    const found = anchoring?.heads.candidateOf(job);
    if (found?.refusal !== undefined) anchoring?.state.refuse(found.segment.index, found.refusal);
    const isCandidate = found !== undefined && found.refusal === undefined;
    const candidate = isCandidate && anchoring?.mayAnchor(found.segment) ? found : undefined;
    const { from, to } = { ...job.packets, ...(candidate && { to: candidate.end }) };
    const gathered = candidate && new GatheredGroup(candidate, from);
    const times = decodeTimes(Array.from({ length: to - from }, (_, at) => presentationTimes.ofPacket(from + at)));
    // The first packet is at one second, so that no time is negative.
    const shift = presentationTimes.ticksPerSecond - times[0]!;
    const queue = new ByteQueue(MAX_UNREAD_BYTES, signal, { ownsChunks: true });
    queue.add(Buffer.from(headers.ofPacket(from).bytes));
    const shifted = { decodeTimes: times.map((time) => time + shift), shift };
    const encoder = isCandidate ? withOneThread(this.#options.encoder) : this.#options.encoder;
    const started: Job = { ...job, encoder, packets: { from, to }, ...shifted, queue, isRunning: false, gathered };
    this.#incomplete.push(started);
    if (gathered === undefined) this.#enqueue(started);
    else this.#gathering.add(started);
  }

  #enqueue(job: Job): void {
    this.#gathering.delete(job);
    this.#waiting.add(job);
    this.#ended.push(this.#run(job));
  }

  /** Decides how a head is made: all packets of its group are there, and the one behind them. */
  #planHead(job: Job, next: Buffer): void {
    const { anchoring } = this.#options;
    const { gathered } = job;
    job.gathered = undefined;
    if (anchoring !== undefined && gathered !== undefined) {
      const planned = orRefusal(() => gathered.plan(anchoring.heads, next));
      if (planned instanceof H264Refusal) anchoring.state.refuse(gathered.candidate.segment.index, planned);
      else job.anchored = planned;
    }
    this.#enqueue(job);
  }

  /** Doesn't anchor the heads of groups that take too much memory. */
  #limitGathered(): void {
    const bytes = () => [...this.#gathering].reduce((sum, { queue }) => sum + queue.bytes, 0);
    while (this.#gathering.size > 0 && bytes() > MAX_GATHERED_BYTES) {
      const [job] = [...this.#gathering].sort((one, other) => other.queue.bytes - one.queue.bytes);
      const refusal = new H264Refusal("limit", `its group has more than ${MAX_GATHERED_BYTES} bytes`);
      this.#options.anchoring?.state.refuse(job!.gathered!.candidate.segment.index, refusal);
      job!.gathered = undefined;
      this.#enqueue(job!);
    }
  }

  #takeSlot(): boolean {
    if (this.#freeSlots === 0) return false;
    this.#freeSlots -= 1;
    return true;
  }

  async #run(job: Job): Promise<void> {
    const { presentationTimes, onFailure, onFailedRuns, anchoring, ...options } = this.#options;
    const { ticksPerSecond } = presentationTimes;
    try {
      await this.#changed.waitFor(() => this.#takeSlot(), options.signal);
      this.#waiting.delete(job);
      job.isRunning = true;
      this.#changed.notify();
      const tickOf = (rank: number) => presentationTimes.ofRank(rank) + job.shift;
      const encoding = { ...options, encoder: job.encoder, source: job.queue, runs: job.parts };
      await this.#encode(job, { ...encoding, tickOf, ticksPerSecond });
    } catch (reason) {
      if (isCausedByFile(reason) || reason instanceof H264Refusal) {
        if (job.anchored !== undefined) anchoring?.state.failHead(job.anchored.candidate.segment.index);
        return onFailedRuns(job.parts, reason);
      }
      if (this.#failure === undefined) onFailure(reason);
      this.#failure ??= { reason };
    } finally {
      if (job.isRunning) this.#freeSlots += 1;
      job.isRunning = false;
      this.#waiting.delete(job);
      job.queue.close();
      this.#changed.notify();
    }
  }

  async #encode(job: Job, encoding: BoundaryEncoderRun): Promise<void> {
    const { anchoring } = this.#options;
    if (job.anchored === undefined || anchoring === undefined) return runBoundaryEncoder(encoding);
    anchoring.state.anchor(job.anchored);
    const head = await anchoring.heads.make(job.anchored, encoding);
    await anchoring.onHead(job.anchored.candidate.segment, head);
  }

  /** A packet as an MP4 fragment of the encoder's input. */
  #fragment({ packets, decodeTimes: times, shift }: Job, packet: number, framed: Buffer, isKey: boolean): Buffer {
    const at = packet - packets.from;
    const decodeTime = times[at]!;
    const next = times[at + 1] ?? decodeTime + 1;
    const sample = {
      duration: Math.max(1, next - decodeTime),
      size: framed.length,
      key: isKey,
      offset: this.#options.presentationTimes.ofPacket(packet) + shift - decodeTime,
    };
    return Buffer.concat([fragmentHeader(decodeTime, [sample]), framed]);
  }
}

/**
 * For the runs beside a head that may be anchored: what they are encoded to doesn't depend on whether
 * it is, which differs between attempts. Two encoders run where it is, and each further thread would
 * keep frames in memory.
 */
const withOneThread = (encoder: Encoder): Encoder => ({ ...encoder, options: [...encoder.options, "-threads", "1"] });
