import type { EncodeJob, Ranks } from "../../split/domain/exact-plan.ts";
import { fragmentHeader } from "../formats/iso/fragments.ts";
import { Condition } from "../process/condition.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { Encoder } from "./encoders.ts";
import { decodeTimes, type PresentationTimes } from "./presentation-times.ts";
import { runBoundaryEncoder } from "./run-boundary-encoder.ts";
import type { SourceMp4Headers } from "./source-mp4-headers.ts";
import { StitchError } from "./stitch-error.ts";

export type BoundaryJobQueueOptions = {
  binary: string;
  directory: string;
  encoder: Encoder;
  /** Jobs that decode and encode at the same time. */
  concurrentJobs: number;
  /** Of the source, with the timeline's clock. */
  headers: SourceMp4Headers;
  presentationTimes: PresentationTimes;
  /** In the order of their first packets. */
  jobs: readonly EncodeJob[];
  signal: AbortSignal;
  /**
   * For each encoded frame, those of a run in presentation order; `configuration` is avcC or hvcC.
   */
  onFrame: (run: Ranks, frame: Buffer, configuration: Buffer) => Promise<void>;
  /** Called once, with the first failure. */
  onFailure: (reason: unknown) => void;
};

/** What a running encoder may be given before it has read it. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/**
 * What may be kept for encoders that wait for a slot. Hundreds of packets of a camera's largest.
 */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

type Job = EncodeJob & {
  /** Of its packets, in ticks of the file that it's given. */
  decodeTimes: number[];
  /** The timeline's ticks are this much later in that file. */
  shift: number;
  queue: ByteQueue;
  isRunning: boolean;
};

/**
 * Encodes the boundaries of a plan while the source's packets go past. Each job decodes one group
 * of pictures. Jobs overlap where pictures refer to a keyframe that is stored before them, and a
 * job's slot is free only when all of its packets were read: so no packet waits for a slot while a
 * running job needs further ones. Until then, packets are kept for the jobs that wait.
 */
export class BoundaryJobQueue {
  readonly #options: BoundaryJobQueueOptions;
  readonly #changed = new Condition();
  readonly #ended: Promise<void>[] = [];
  /** Jobs that need further packets. */
  #unfed: Job[] = [];
  readonly #waiting = new Set<Job>();
  #begun = 0;
  #freeSlots: number;
  #failure: { reason: unknown } | undefined;

  constructor(options: BoundaryJobQueueOptions) {
    this.#options = options;
    this.#freeSlots = options.concurrentJobs;
  }

  /**
   * Takes the next packet of the source, framed by 4-byte lengths; none may be left out. Resolves
   * when there's room for more. Throws what a job has failed with.
   */
  async add(packet: number, framed: Buffer, isKey: boolean): Promise<void> {
    this.#throwIfFailed();
    const { jobs } = this.#options;
    for (let job = jobs[this.#begun]; job?.packets.from === packet; job = jobs[this.#begun]) {
      this.#begun += 1;
      this.#begin(job);
    }
    for (const job of this.#unfed) {
      const data = packet === job.packets.from ? framed : this.#options.headers.withParameterSets(packet, framed);
      job.queue.add(this.#fragment(job, packet, data, isKey));
      if (packet + 1 === job.packets.to) job.queue.end();
    }
    this.#unfed = this.#unfed.filter(({ packets }) => packet + 1 < packets.to);
    await this.#room();
  }

  /** All packets were added. Resolves when all jobs have ended; throws what one has failed with. */
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
    for (const { queue, isRunning } of this.#unfed) if (isRunning) await queue.room();
    const isNeeded = () => this.#unfed.some(({ isRunning }) => isRunning);
    const bytes = [...this.#waiting].reduce((sum, { queue }) => sum + queue.bytes, 0);
    if (bytes > MAX_WAITING_BYTES && isNeeded())
      throw new StitchError(`boundaries overlap by more than ${MAX_WAITING_BYTES} bytes`);
    await this.#changed.waitFor(() => {
      this.#throwIfFailed();
      return this.#waiting.size === 0 || isNeeded();
    }, this.#options.signal);
  }

  #begin(job: EncodeJob): void {
    const { headers, presentationTimes, signal } = this.#options;
    const { from, to } = job.packets;
    const times = decodeTimes(Array.from({ length: to - from }, (_, at) => presentationTimes.ofPacket(from + at)));
    // The first is a second after zero: none is negative.
    const shift = presentationTimes.ticksPerSecond - times[0]!;
    const queue = new ByteQueue(MAX_UNREAD_BYTES, signal);
    queue.add(headers.ofPacket(from).bytes);
    const begun: Job = { ...job, decodeTimes: times.map((time) => time + shift), shift, queue, isRunning: false };
    this.#unfed.push(begun);
    this.#waiting.add(begun);
    this.#ended.push(this.#run(begun));
  }

  #takeSlot(): boolean {
    if (this.#freeSlots === 0) return false;
    this.#freeSlots -= 1;
    return true;
  }

  async #run(job: Job): Promise<void> {
    const { presentationTimes, onFailure, ...options } = this.#options;
    const { ticksPerSecond } = presentationTimes;
    try {
      await this.#changed.waitFor(() => this.#takeSlot(), options.signal);
      this.#waiting.delete(job);
      job.isRunning = true;
      this.#changed.notify();
      const tickOf = (rank: number) => presentationTimes.ofRank(rank) + job.shift;
      await runBoundaryEncoder({ ...options, source: job.queue, runs: job.parts, tickOf, ticksPerSecond });
    } catch (reason) {
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

  /** A packet as a fragment of the file that a job is given. */
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
