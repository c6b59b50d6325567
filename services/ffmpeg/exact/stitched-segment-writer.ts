import { type ExactSegment, madeOf, type Ranks } from "../../split/domain/exact-segment.ts";
import { hasLoss } from "../../split/domain/lost-frames.ts";
import type { Assembly } from "../assembly/assembly.ts";
import type { SpoolFolder } from "../assembly/spool.ts";
import { isIdr, pictureHasher } from "../formats/nal/units.ts";
import type { AnchoredHead } from "./anchored/anchored-heads.ts";
import { Section, type SectionName, type Sections } from "./section.ts";
import { checkStitches } from "./stitch-check.ts";
import { StitchError } from "./stitch-error.ts";
import { type AnchoredFrames, StitchedVideo, type StitchingSource } from "./stitched-video.ts";

export type StitchedSegmentWriterOptions = {
  binary: string;
  source: StitchingSource;
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  spools: SpoolFolder;
  signal: AbortSignal;
};

/** A segment whose packets aren't all there. */
type Unfinished = {
  sections: Sections;
  /** Hash of each copied picture by its rank, in decode order. */
  hashes: Map<number, number>;
  configuration: Buffer | undefined;
  /** The head, where it's anchored. */
  anchored: AnchoredFrames | undefined;
};

const countOf = ({ from, to }: Ranks): number => to - from;

/**
 * Collects the video packets of each segment. Passes a segment to the assembly when its video is
 * complete.
 */
export class StitchedSegmentWriter {
  readonly #options: StitchedSegmentWriterOptions;
  readonly #assembly: Assembly;
  readonly #unfinished = new Map<number, Unfinished>();
  readonly #hash: (packet: Buffer) => number;
  /** The section that an encoded run belongs to, by the run's first rank. */
  readonly #sectionOfRun = new Map<number, { segment: ExactSegment; name: SectionName }>();

  constructor(options: StitchedSegmentWriterOptions, assembly: Assembly) {
    this.#options = options;
    this.#assembly = assembly;
    this.#hash = pictureHasher(options.source.codec);
    for (const segment of options.source.plan.segments)
      for (const name of ["head", "tail"] as const)
        if (countOf(segment[name]) > 0) this.#sectionOfRun.set(segment[name].from, { segment, name });
  }

  /** Whether a run belongs to a segment that is needed. */
  isNeeded(run: Ranks): boolean {
    return this.#isMade(this.#targetOf(run).segment);
  }

  /** Index of the segment that a run belongs to. */
  segmentOf(run: Ranks): number {
    return this.#targetOf(run).segment.index;
  }

  /** Adds a copied packet in 4-byte length format; in decode order. */
  async addCopied(segment: ExactSegment, packet: number, framed: Buffer): Promise<void> {
    if (!this.#isMade(segment)) return;
    const unfinished = this.#unfinishedOf(segment);
    unfinished.hashes.set(this.#options.source.plan.rankOf[packet]!, this.#hash(framed));
    await this.#add(segment, unfinished.sections.copied, framed);
  }

  /** Adds an encoded frame of a run, in presentation order; `configuration` is its avcC or hvcC. */
  async addEncoded(run: Ranks, frame: Buffer, configuration: Buffer): Promise<void> {
    const { segment, name } = this.#targetOf(run);
    if (!this.#isMade(segment)) return;
    const unfinished = this.#unfinishedOf(segment);
    const section = unfinished.sections[name];
    if (section.isEmpty) {
      if (!isIdr(this.#options.source.codec, frame))
        throw new StitchError("an encoded run doesn't begin with an IDR picture");
      unfinished.configuration ??= configuration;
      if (!unfinished.configuration.equals(configuration))
        throw new StitchError("the head and tail of a segment have different decoder configurations");
    }
    await this.#add(segment, section, frame);
  }

  /** Adds a whole head that is anchored, instead of its encoded frames. */
  async addAnchored(segment: ExactSegment, { packets, configuration, samples }: AnchoredHead): Promise<void> {
    const unfinished = this.#unfinishedOf(segment);
    const ranks = packets.map(({ rank }) => rank);
    const copies = packets.filter(({ isEncoded }) => !isEncoded);
    const hashes = new Map(copies.map(({ rank, data }) => [rank, this.#hash(data)]));
    unfinished.anchored = { ranks, hashes, configuration, samples };
    for (const { data } of packets) await this.#add(segment, unfinished.sections.head, data);
  }

  #isMade({ index }: ExactSegment): boolean {
    return index >= this.#options.from && index <= this.#options.last;
  }

  #targetOf(run: Ranks) {
    const target = this.#sectionOfRun.get(run.from);
    if (target === undefined) throw new Error(`no segment has a run that starts with frame ${run.from}`);
    return target;
  }

  #unfinishedOf(segment: ExactSegment): Unfinished {
    const known = this.#unfinished.get(segment.index);
    if (known !== undefined) return known;
    const { head, tail } = segment;
    const number = String(segment.index).padStart(5, "0");
    const section = (name: SectionName, packets: number) =>
      new Section(this.#options.spools.spool(`${number}.${name}`), packets);
    const sections = {
      head: section("head", countOf(head)),
      copied: section("copied", tail.from - head.to),
      tail: section("tail", countOf(tail)),
    };
    const unfinished = { sections, hashes: new Map<number, number>(), configuration: undefined, anchored: undefined };
    this.#unfinished.set(segment.index, unfinished);
    return unfinished;
  }

  async #add(segment: ExactSegment, section: Section, packet: Buffer): Promise<void> {
    await section.add(packet);
    const unfinished = this.#unfinished.get(segment.index);
    // Another section may have completed the segment meanwhile.
    if (unfinished === undefined) return;
    const { head, copied, tail } = unfinished.sections;
    if (![head, copied, tail].every(({ isComplete }) => isComplete)) return;
    this.#unfinished.delete(segment.index);
    this.#handOver(segment, unfinished);
  }

  #handOver(segment: ExactSegment, { sections, hashes, configuration, anchored }: Unfinished): void {
    const { source, binary, spools, signal } = this.#options;
    const { codec, presentationTimes } = source;
    const { ticksPerSecond } = presentationTimes;
    const copied = [...hashes.keys()];
    const video = new StitchedVideo(source, { segment, sections, copied, configuration, anchored });
    const made = madeOf(segment);
    const { isUndecodable = false } = segment;
    const first = segment.ranks.from;
    const frames = Array.from({ length: countOf(segment.ranks) }, (_, frame) => ({
      time: (presentationTimes.ofRank(first + frame) - presentationTimes.ofRank(first)) / ticksPerSecond,
      hash: hashes.get(first + frame) ?? anchored?.hashes.get(first + frame),
      isAnchored: anchored?.hashes.has(first + frame) ?? false,
    }));
    const beginning = anchored && { ranks: [...anchored.ranks, ...copied], samples: anchored.samples };
    const playback = { binary, directory: spools.path, header: video.header, ticksPerSecond, signal };
    this.#assembly.addVideo(segment.index, {
      made,
      codec,
      frames,
      lastDuration: presentationTimes.lastDurationOf(segment),
      input: { format: "mp4", write: (sink) => video.write(sink) },
      clock: ticksPerSecond,
      zero: segment.start,
      start: segment.start,
      hash: pictureHasher(codec),
      startsOnKey: true,
      mustDecode: !isUndecodable,
      mayBeUndecodable: isUndecodable,
      hasLoss: hasLoss(segment, source.index),
      ...(made === "stitched" ? { check: () => checkStitches(playback, segment, beginning) } : {}),
      remove: async () => {
        await Promise.all(Object.values(sections).map((section) => section.remove()));
        await anchored?.samples.pixels.remove();
      },
    });
  }
}
