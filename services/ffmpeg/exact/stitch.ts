import { join } from "node:path";
import pLimit from "p-limit";
import type { EncodeJob, ExactPlan, ExactSegment, Packets, Ranks } from "../../split/domain/exact-plan.ts";
import { madeOf } from "../../split/domain/exact-plan.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import { fragmentHeader, type Mp4Head, mp4HeadOf, type Sample } from "../formats/fragmented-mp4.ts";
import { isIdr, lengthPrefixed, type NalCodec, NalReader, pictureHasher } from "../formats/nal-units.ts";
import {
  avcParameterSets,
  hevcParameterSets,
  mergedAvcConfiguration,
  usesFourByteLengths,
  withoutSets,
} from "../formats/parameter-sets.ts";
import { CutFailedError } from "../process/errors.ts";
import { type Clock, PACKET_BYTES, PACKET_LINES, type ReadPacket, readPackets } from "../process/packet-lines.ts";
import type { Assembly } from "./assembly.ts";
import { type EncodeJobRun, startEncodeJob } from "./encode-job.ts";
import type { Encoder } from "./encoders.ts";
import { Part, PartReader, type Parts, type StitchedPacket } from "./parts.ts";
import { checkPlayback } from "./playback.ts";
import { type PictureReading, readHeadOf } from "./source-reading.ts";

/**
 * The exact cut of H.264 and HEVC: what lies between boundaries is copied, and only the groups of pictures that a
 * boundary falls into are decoded, once, and encoded again on its two sides. docs/decisions/exact-cut.md
 */

/** This can't be done for this video: it's to be encoded whole. */
export class StitchError extends CutFailedError {
  override name = "StitchError";

  constructor(message: string) {
    super("UnreadableMedia", message);
  }
}

export type Stitching = {
  binary: string;
  /** ffmpeg's index of the stream. */
  video: number;
  codec: NalCodec;
  encoder: Encoder;
  plan: ExactPlan;
  index: PacketIndex;
  /** Whether the container has no place for parameters but the stream: a transport stream. */
  isStartCoded: boolean;
  spoolDirectory: string;
  signal: AbortSignal;
};

/** Decoding and encoding at the same time: each uses several threads already. */
const JOBS_AT_ONCE = 2;

type Job = EncodeJob & {
  run: EncodeJobRun;
  /** Ticks of its packets, sorted: the decode times. */
  sorted: number[];
  delay: number;
  shift: number;
};

/** Runs of ranks that follow each other are one. */
function mergedRuns(parts: readonly Ranks[]): Ranks[] {
  const runs: Ranks[] = [];
  for (const part of parts) {
    const last = runs.at(-1);
    if (last?.to === part.from) last.to = part.to;
    else runs.push({ ...part });
  }
  return runs;
}

/** Decode times rise and never pass a presentation time: the sorted presentation times, this much earlier. */
const reorderDelay = (sorted: readonly number[], inDecodeOrder: readonly number[]): number =>
  sorted.reduce((delay, time, packet) => Math.max(delay, time - inDecodeOrder[packet]!), 0);

export class Stitcher {
  readonly #options: Stitching;
  readonly #assembly: Assembly;
  readonly #from: number;
  readonly #parts = new Map<number, Parts>();
  readonly #placeOf = new Map<Ranks, { segment: number; name: "head" | "tail" }>();
  readonly #hashes = new Map<number, Map<number, number>>();
  readonly #nal = new NalReader();
  readonly #hash: (packet: Buffer) => number;
  readonly #jobSlots = pLimit(JOBS_AT_ONCE);
  #head: Mp4Head | undefined;
  #ticks = 0;
  #segment = 0;
  #job = 0;
  #active: Job[] = [];
  #ending: Promise<void>[] = [];
  #failure: { reason: unknown } | undefined;

  constructor(options: Stitching, assembly: Assembly, from: number) {
    this.#options = options;
    this.#hash = pictureHasher(options.codec);
    this.#assembly = assembly;
    this.#from = from;
    for (const { index, head, tail } of options.plan.segments) {
      this.#placeOf.set(head, { segment: index, name: "head" });
      this.#placeOf.set(tail, { segment: index, name: "tail" });
    }
  }

  /** The outputs of the source's reading, and what is done with them. */
  get reading(): PictureReading {
    const map = ["-map", `0:${this.#options.video}`, "-c", "copy", "-map_chapters", "-1", "-copyinkf"];
    const head = ["-frames:v", "1", "-flush_packets", "1", "-f", "mp4"];
    return {
      outputs: [
        [...map, ...head, "-movflags", "empty_moov+default_base_moof+frag_keyframe"],
        [...map, "-max_muxing_queue_size", "4096", ...PACKET_LINES],
        [...map, "-max_muxing_queue_size", "4096", ...PACKET_BYTES],
      ],
      read: async ([headPipe, lines, bytes], origin) => {
        this.#head = mp4HeadOf(await readHeadOf(headPipe!), this.#options.codec);
        if (!usesFourByteLengths(this.#head.configuration, this.#options.codec))
          throw new StitchError("the source's packets are framed by short lengths");
        await this.#readPackets(readPackets(lines!, bytes!), origin);
      },
    };
  }

  async #readPackets(packets: AsyncIterable<ReadPacket>, origin: (seconds: number) => void): Promise<void> {
    const { index, plan } = this.#options;
    let packet = 0;
    let shift: number | undefined;
    for await (const read of packets) {
      if (packet >= index.count) throw new StitchError("the source holds more packets than it has told of");
      const time = secondsOf(read);
      const planned = index.time(packet);
      if (shift === undefined) {
        shift = time - planned;
        this.#ticks = read.clock.den;
        origin(plan.origin + shift);
      }
      // Half a tick, or the microsecond that ffprobe rounds to.
      if (Math.abs(time - planned - shift) > Math.max(0.5 / this.#ticks, 3e-6))
        throw new StitchError(`packet ${packet} comes at ${time}, and was told of at ${planned + shift}`);
      await this.#take(packet, read.data);
      packet += 1;
    }
    if (packet !== index.count) throw new StitchError(`the source ends after ${packet} of ${index.count} packets`);
    await Promise.all(this.#ending);
    this.#assertWell();
  }

  #assertWell(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  async #take(packet: number, data: Buffer): Promise<void> {
    const { plan, index } = this.#options;
    this.#assertWell();
    await this.#startJobs(packet);
    const framed = this.#nal.framed(data);
    for (const job of this.#active) await this.#feed(job, packet, framed, index.isKey(packet));
    this.#active = this.#active.filter((job) => packet + 1 < job.packets.to);

    let segment = plan.segments[this.#segment];
    while (segment !== undefined && isPast(segment, packet, plan)) {
      this.#segment += 1;
      segment = plan.segments[this.#segment];
    }
    if (segment?.copied !== undefined && this.#isCopied(segment.copied, packet)) {
      const rank = plan.rankOf[packet]!;
      if (segment.index >= this.#from) {
        const { copied } = this.#partsOf(segment.index);
        await copied.add(framed);
        this.#hashesOf(segment.index).set(rank, this.#hash(framed));
      }
      if (packet === segment.copied.to - 1 && segment.index >= this.#from) {
        this.#partsOf(segment.index).copied.isWhole = true;
        this.#complete(segment.index);
      }
    }
    const rank = plan.rankOf[packet]!;
    if (rank >= 0) await this.#assembly.seen(index.time(packet) - plan.origin);
  }

  /** Pictures that are shown before the keyframe that the copying starts at belong to the encoded ones. */
  #isCopied({ from, to }: Packets, packet: number): boolean {
    const { rankOf } = this.#options.plan;
    return packet >= from && packet < to && rankOf[packet]! >= rankOf[from]!;
  }

  #hashesOf(segment: number): Map<number, number> {
    const hashes = this.#hashes.get(segment) ?? new Map<number, number>();
    this.#hashes.set(segment, hashes);
    return hashes;
  }

  #partsOf(segment: number): Parts {
    let parts = this.#parts.get(segment);
    if (parts === undefined) {
      const path = (name: string) => join(this.#options.spoolDirectory, `${String(segment).padStart(5, "0")}.${name}`);
      const part = (name: string) => new Part(path(name));
      parts = { head: part("head"), copied: part("copied"), tail: part("tail"), configuration: undefined };
      const { head, copied, tail } = this.#options.plan.segments[segment]!;
      parts.head.isWhole = head.from >= head.to;
      parts.copied.isWhole = copied === undefined;
      parts.tail.isWhole = tail.from >= tail.to;
      this.#parts.set(segment, parts);
    }
    return parts;
  }

  async #startJobs(packet: number): Promise<void> {
    const { plan } = this.#options;
    while (plan.jobs[this.#job]?.packets.from === packet) {
      const job = plan.jobs[this.#job]!;
      this.#job += 1;
      const wanted = job.parts.some((part) => this.#placeOf.get(part)!.segment >= this.#from);
      if (wanted) await this.#startJob(job);
    }
  }

  #tick(packet: number): number {
    const { index, plan } = this.#options;
    return Math.round((index.time(packet) - plan.origin) * this.#ticks);
  }

  #tickOfRank(rank: number): number {
    return this.#tick(this.#options.plan.packetOf[rank]!);
  }

  async #startJob(job: EncodeJob): Promise<void> {
    const { binary, spoolDirectory, encoder, signal, codec } = this.#options;
    const { from, to } = job.packets;
    const inDecodeOrder = Array.from({ length: to - from }, (_, packet) => this.#tick(from + packet));
    const sorted = inDecodeOrder.toSorted((one, other) => one - other);
    const delay = reorderDelay(sorted, inDecodeOrder);
    // A second after zero.
    const shift = this.#ticks + delay - sorted[0]!;
    const before = (rank: number) => (rank === 0 ? this.#tickOfRank(0) : this.#tickOfRank(rank - 1));

    let part = 0;
    let left = 0;
    let configuration: Buffer | undefined;
    const advance = async (data: Buffer): Promise<void> => {
      const ranks = job.parts[part];
      if (ranks === undefined) throw new StitchError("more frames were encoded than were asked for");
      const { segment, name } = this.#placeOf.get(ranks)!;
      const target = this.#partsOf(segment);
      if (left === 0) {
        left = ranks.to - ranks.from;
        if (!isIdr(codec, data)) throw new StitchError("an encoded part doesn't begin anew");
        target.configuration ??= configuration;
        if (configuration === undefined || !target.configuration!.equals(configuration))
          throw new StitchError("a segment's two ends were encoded in different ways");
      }
      await target[name].add(data);
      left -= 1;
      if (left > 0) return;
      target[name].isWhole = true;
      part += 1;
      this.#complete(segment);
    };

    let finished: () => void = () => {};
    const slot = new Promise<void>((resolve) => {
      finished = resolve;
    });
    await new Promise<void>((started) => {
      void this.#jobSlots(() => {
        started();
        return slot;
      });
    });
    const run = startEncodeJob({
      binary,
      directory: spoolDirectory,
      encoder,
      runs: mergedRuns(job.parts).map((ranks) => ({
        first: this.#tickOfRank(ranks.from) + shift,
        last: this.#tickOfRank(ranks.to - 1) + shift,
      })),
      forced: job.parts
        .slice(1)
        .map(({ from: rank }) => ((this.#tickOfRank(rank) + before(rank)) / 2 + shift) / this.#ticks),
      signal,
      onTracks: ([track]) => {
        configuration = track?.codecPrivate;
      },
      onPacket: advance,
    });
    await run.write(this.#head!.withClock(this.#ticks).bytes);
    const end = async () => {
      try {
        await run.end();
        if (part < job.parts.length)
          throw new StitchError(`of ${job.parts.length} parts of a boundary, ${part} could be encoded`);
      } finally {
        finished();
      }
    };
    this.#active.push({ ...job, sorted, delay, shift, run: { ...run, end } });
  }

  async #feed({ packets, sorted, delay, shift, run }: Job, packet: number, framed: Buffer, key: boolean) {
    const at = packet - packets.from;
    const decode = sorted[at]! - delay + shift;
    const next = sorted[at + 1] ?? sorted[at]! + 1;
    const sample: Sample = {
      duration: Math.max(1, next - sorted[at]!),
      size: framed.length,
      key,
      offset: this.#tick(packet) + shift - decode,
    };
    await run.write(Buffer.concat([fragmentHeader(decode, [sample]), framed]));
    if (packet + 1 < packets.to) return;
    const ending = run.end().catch((reason: unknown) => {
      this.#failure ??= { reason };
      this.#assembly.fail(reason);
    });
    this.#ending.push(ending);
  }

  /** Hands a segment over to be joined, once all of its picture is there. */
  #complete(index: number): void {
    const parts = this.#partsOf(index);
    if (!parts.head.isWhole || !parts.copied.isWhole || !parts.tail.isWhole) return;
    if (index < this.#from) return;
    const { plan, codec } = this.#options;
    const segment = plan.segments[index]!;
    const made = madeOf(segment);
    const hashes = this.#hashesOf(index);
    const first = this.#tickOfRank(segment.ranks.from);
    const frames = Array.from({ length: segment.ranks.to - segment.ranks.from }, (_, frame) => ({
      time: (this.#tickOfRank(segment.ranks.from + frame) - first) / this.#ticks,
      hash: hashes.get(segment.ranks.from + frame),
    }));
    this.#hashes.delete(index);
    const head = this.#headFor(made, parts.configuration);
    const packets = this.#packetsOf(segment, parts);
    this.#assembly.addPicture(index, {
      made,
      codec,
      frames,
      lastDuration: segment.end - segment.start - frames.at(-1)!.time,
      videoFormat: "mp4",
      clock: this.#ticks,
      writeVideo: (sink) => this.#write(segment, packets, head, sink),
      ...(made === "stitched" ? { check: () => this.#check(segment, head) } : {}),
      remove: async () => {
        await Promise.all([parts.head, parts.copied, parts.tail].map(({ spool }) => spool.remove()));
        this.#parts.delete(index);
      },
    });
  }

  /** Decoders are told of the parameters of all pictures that there are. */
  #headFor(made: "copied" | "stitched" | "encoded", encoded: Buffer | undefined): Mp4Head {
    const { codec } = this.#options;
    const source = this.#head!.withClock(this.#ticks);
    if (made === "copied" || encoded === undefined) return source;
    if (made === "encoded") return source.withConfiguration(encoded);
    // A transport stream repeats the head's parameters where the stream has none of its own, and else leaves them out.
    if (this.#options.isStartCoded) return source.withConfiguration(withoutSets(source.configuration, codec));
    // HEVC's encoders have no ids to choose: there the parameters stand in the stream, before each change.
    if (codec === "hevc") return source;
    return source.withConfiguration(mergedAvcConfiguration(source.configuration, encoded));
  }

  /** The packets of a segment in decode order. */
  #packetsOf(segment: ExactSegment, parts: Parts): StitchedPacket[] {
    const { plan, index, codec, isStartCoded } = this.#options;
    const packets: StitchedPacket[] = [];
    const changes = (codec === "hevc" || isStartCoded) && madeOf(segment) === "stitched";
    const setsOf = codec === "hevc" ? hevcParameterSets : avcParameterSets;
    const sets = (configuration: Buffer | undefined) =>
      changes && configuration !== undefined ? lengthPrefixed(setsOf(configuration)) : undefined;
    const add = (part: Part, ranks: number[], encoded: boolean) => {
      for (const [at, rank] of ranks.entries()) {
        const prefix = at > 0 ? undefined : sets(encoded ? parts.configuration : this.#head!.configuration);
        const key = encoded ? at === 0 : index.isKey(plan.packetOf[rank]!);
        packets.push({ part, rank, size: part.sizes[at]!, key, prefix });
      }
    };
    const range = ({ from, to }: Ranks) => Array.from({ length: to - from }, (_, at) => from + at);
    add(parts.head, range(segment.head), true);
    if (segment.copied !== undefined) {
      const ranks: number[] = [];
      for (let packet = segment.copied.from; packet < segment.copied.to; packet += 1)
        if (this.#isCopied(segment.copied, packet)) ranks.push(plan.rankOf[packet]!);
      add(parts.copied, ranks, false);
    }
    add(parts.tail, range(segment.tail), true);
    return packets;
  }

  async #write(
    segment: ExactSegment,
    packets: readonly StitchedPacket[],
    head: Mp4Head,
    sink: (data: Buffer) => Promise<void>,
  ): Promise<void> {
    const first = this.#tickOfRank(segment.ranks.from);
    const times = packets.map(({ rank }) => this.#tickOfRank(rank) - first);
    const sorted = times.toSorted((one, other) => one - other);
    const delay = reorderDelay(sorted, times);
    const ahead = AHEAD_SECONDS * this.#ticks;
    const end = Math.round((segment.end - segment.start) * this.#ticks);
    await sink(head.bytes);
    const reader = new PartReader();
    try {
      for (let at = 0; at < packets.length; ) {
        const samples: Sample[] = [];
        const data: Buffer[] = [];
        const decodeTime = sorted[at]! - delay + ahead;
        for (let bytes = 0; at < packets.length && samples.length < MOST_SAMPLES && bytes < MOST_BYTES; at += 1) {
          const packet = packets[at]!;
          const picture = await reader.read(packet);
          const framed = packet.prefix === undefined ? picture : Buffer.concat([packet.prefix, picture]);
          const next = sorted[at + 1] ?? Math.max(end, sorted[at]! + 1);
          samples.push({
            duration: next - sorted[at]!,
            size: framed.length,
            key: packet.key,
            offset: times[at]! - sorted[at]! + delay,
          });
          data.push(framed);
          bytes += framed.length;
        }
        await sink(Buffer.concat([fragmentHeader(decodeTime, samples), ...data]));
      }
    } finally {
      await reader.close();
    }
  }

  /**
   * What was encoded is decoded again: the head with the copied frames that follow it, and the tail. Not as one, since
   * decoders may drop what they hold back when the parameters change, and here most of what comes between is left out.
   */
  #check(segment: ExactSegment, head: Mp4Head) {
    const { binary, spoolDirectory: directory, signal } = this.#options;
    const size = ({ from, to }: Ranks) => to - from;
    const [encodedHead, encodedTail] = [size(segment.head), size(segment.tail)];
    const tailFrom = size(segment.ranks) - encodedTail;
    const following = Math.min(MOST_FOLLOWING, tailFrom - encodedHead);
    const wanted = [
      ...(encodedHead > 0
        ? [{ isDecoded: (packet: number) => packet < encodedHead + following, least: encodedHead + 1 }]
        : []),
      ...(encodedTail > 0 ? [{ isDecoded: (packet: number) => packet >= tailFrom, least: encodedTail }] : []),
    ];
    const common = { binary, directory, head, ticks: this.#ticks, signal };
    const checks = wanted.map((part) => checkPlayback({ ...common, ...part }));
    return {
      onPacket: async (data: Buffer, packet: number) => {
        for (const check of checks) await check.onPacket(data, packet);
      },
      end: async () => {
        await Promise.all(checks.map((check) => check.end()));
      },
    };
  }

  /** Stops what runs; its files are its directory's. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#ending, ...this.#active.map(({ run }) => run.end())]);
  }
}

/** A decoder holds back fewer than this. */
const MOST_FOLLOWING = 18;

const AHEAD_SECONDS = 10;
const MOST_SAMPLES = 128;
const MOST_BYTES = 1024 * 1024;

const secondsOf = ({ pts, dts, clock }: { pts: number | undefined; dts: number; clock: Clock }): number =>
  ((pts ?? dts) * clock.num) / clock.den;

/** Whether nothing of the segment is copied from this packet on. */
function isPast({ copied, ranks }: ExactSegment, packet: number, { packetOf }: ExactPlan): boolean {
  if (copied !== undefined) return packet >= copied.to;
  return packet > packetOf[ranks.to - 1]!;
}
