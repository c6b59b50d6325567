import type { EncodeJob, ExactPlan, ExactSegment } from "../../../split/domain/exact-segment.ts";
import type { Spool, SpoolFolder } from "../../assembly/spool.ts";
import { type Picture, readPictures, type Slice, type StreamSets, streamSets } from "../../formats/h264/pictures.ts";
import { H264Refusal } from "../../formats/h264/refusal.ts";
import { maxDpbFrames, withRestriction } from "../../formats/h264/sequence-parameter-set.ts";
import { parseSliceHeader } from "../../formats/h264/slice-header.ts";
import type { Mp4Header } from "../../formats/iso/fragments.ts";
import { withAvcSets } from "../../formats/nal/decoder-configuration.ts";
import { withoutTiming } from "../../formats/nal/sei-messages.ts";
import { isIdr, isSlice, lengthFramed, lengthPrefixed } from "../../formats/nal/units.ts";
import type { EncodedFrameAdapter } from "../encoded-frame-adapter.ts";
import type { BoundaryEncoderRun } from "../run-boundary-encoder.ts";
import { anchorEncoderOptions } from "./anchor-encoder.ts";
import { type AnchorPlan, encodedPictures, planAnchors, type RankedPicture } from "./anchor-plan.ts";
import { type RawFormat, rawFormat, sampledRanks } from "./drift.ts";
import { maxReordered } from "./max-reordered.ts";
import { type RewrittenGroup, rewriteGroup } from "./rewrite-group.ts";
import { runAnchorEncoder } from "./run-anchor-encoder.ts";

/** A packet of an anchored head, in length format. */
export type AnchoredPacket = { rank: number; isEncoded: boolean; data: Buffer };

/** The beginning of a segment, up to the next keyframe. */
export type AnchoredHead = {
  /** In decode order. */
  packets: AnchoredPacket[];
  /** avcC of the whole segment, except for its tail. */
  configuration: Buffer;
  samples: DriftSamples;
};

/** The source's pixels of some copied pictures. */
export type DriftSamples = { ranks: readonly number[]; format: RawFormat; pixels: Spool };

/**
 * The head of a segment that may be anchored, unless it's refused, and the packet behind its group of
 * pictures.
 */
export type AnchorCandidate = { segment: ExactSegment; end: number; refusal?: H264Refusal };

/** A group that was planned: what there is to encode. */
export type AnchoredGroup = {
  candidate: AnchorCandidate;
  pictures: readonly Picture[];
  /** Rank of each picture. */
  ranks: readonly number[];
  plan: AnchorPlan;
};

/** Parameter sets of other encoded frames have the id of x264's sps-id: encoder-settings.ts. */
const OTHER_PICTURE_SET_ID = 31;

export type AnchoringSource = {
  plan: ExactPlan;
  /** The source's MP4 header. */
  header: Mp4Header;
  encoded: EncodedFrameAdapter;
  spools: SpoolFolder;
};

/** Makes the beginnings of segments of few encoded frames: docs/decisions/anchored-boundaries.md */
export class AnchoredHeads {
  readonly #source: AnchoringSource;
  readonly #sets: StreamSets;
  /** By the first rank of their head. */
  readonly #segments: ReadonlyMap<number, ExactSegment>;

  /** Throws `H264Refusal` for streams of another kind, and `CutFailedError` for an incomplete avcC. */
  constructor(source: AnchoringSource) {
    this.#source = source;
    this.#sets = streamSets(source.header.configuration);
    const heads = source.plan.segments.filter(({ head, copied }) => copied !== undefined && head.to > head.from);
    this.#segments = new Map(heads.map((segment) => [segment.head.from, segment]));
  }

  /** The head among a job's runs that ends on a keyframe which is copied; undefined where there's none. */
  candidateOf({ packets, parts }: EncodeJob): AnchorCandidate | undefined {
    const segment = this.#segments.get(parts.at(-1)!.from);
    const end = segment?.copied?.from;
    if (segment === undefined || end === undefined) return undefined;
    if (end >= packets.to) return { segment, end };
    return { segment, end, refusal: new H264Refusal("no IDR picture", "frames in front of the next keyframe need it") };
  }

  /**
   * Plans a candidate. `packets`: the whole group from packet `first` on, in length format; `next`:
   * the packet behind it. Throws `H264Refusal`.
   */
  plan(candidate: AnchorCandidate, first: number, packets: readonly Buffer[], next: Buffer): AnchoredGroup {
    if (!isIdr("h264", next)) throw new H264Refusal("no IDR picture", "the next keyframe isn't one");
    const pictures = readPictures(packets, this.#sets);
    const ranks = pictures.map((_, at) => this.#source.plan.rankOf[first + at]!);
    const group: RankedPicture[] = pictures.map((picture, at) => ({ picture, rank: ranks[at]! }));
    const { head } = candidate.segment;
    const plan = planAnchors(group, head.from, this.#sets.sequence.maxNumRefFrames);
    if (plan.anchors.length + plan.copies.length !== head.to - head.from)
      throw new H264Refusal("display order", "the group doesn't end where the head does");
    return { candidate, pictures, ranks, plan };
  }

  /**
   * Decodes the group, encodes its anchors and the job's other runs, and makes the head. Throws
   * `H264Refusal`, and as `runBoundaryEncoder` does.
   */
  async make(group: AnchoredGroup, encoding: BoundaryEncoderRun): Promise<AnchoredHead> {
    const { candidate, pictures, ranks, plan } = group;
    const anchors = encodedPictures(plan).map((picture) => ranks[picture]!);
    if (anchors.some((rank, at) => at > 0 && rank <= anchors[at - 1]!))
      throw new H264Refusal("display order", "anchors aren't in presentation order");
    const format = rawFormat(this.#sets.sequence);
    const refreshed = new Set(plan.refreshed.flat());
    const copies = plan.copies.filter((picture) => !refreshed.has(picture)).map((picture) => ranks[picture]!);
    const sampled = sampledRanks(copies, format);
    const runs = encoding.runs.filter(({ from }) => from !== candidate.segment.head.from);
    const shown = new Set([...anchors, ...sampled]);
    const isDecoded = (picture: number): boolean => {
      // Without it, ffmpeg guesses from all pictures how far they are reordered.
      if (this.#sets.sequence.restriction === undefined) return true;
      const rank = ranks[picture]!;
      const isEncoded = shown.has(rank) || runs.some(({ from, to }) => rank >= from && rank < to);
      return isEncoded || pictures[picture]!.slices[0]!.header.nalRefIdc > 0;
    };
    const name = `${String(candidate.segment.index).padStart(5, "0")}.samples`;
    const pixels = this.#source.spools.spool(name);
    try {
      const { configuration, pictures: encoded } = await runAnchorEncoder({
        ...encoding,
        source: chosenOf(encoding.source, this.#source.header.withFrameSize(format.size).bytes, isDecoded),
        runs,
        anchors,
        anchorOptions: anchorEncoderOptions(this.#sets, pictures[0]!.slices[0]!.header.pictureSetId),
        starts: [anchors[0]!, ...plan.refreshed.map(([first]) => ranks[first!]!)],
        sampled,
        samples: pixels,
        crop: this.#crop(),
      });
      const encodedSets = streamSets(configuration);
      const rewritten = rewriteGroup({
        ...{ group: pictures, sets: this.#sets, plan, encodedSets, usedPictureSetIds: [OTHER_PICTURE_SET_ID] },
        encoded: encoded.map((packet) => onlySlice(packet, encodedSets)),
      });
      return {
        packets: this.#packets(group, rewritten),
        configuration: this.#configuration(group, rewritten),
        samples: { ranks: sampled, format, pixels },
      };
    } catch (error) {
      await pixels.remove();
      throw error;
    }
  }

  #packets({ pictures, ranks }: AnchoredGroup, rewritten: RewrittenGroup): AnchoredPacket[] {
    const { encoded } = this.#source;
    return rewritten.pictures.map(({ picture, isEncoded, slices }, at) => {
      const rank = ranks[picture]!;
      if (isEncoded) return { rank, isEncoded, data: encoded.anchor(rank, lengthPrefixed(slices), at === 0) };
      encoded.forget(rank);
      const others = withoutTiming("h264", pictures[picture]!.others);
      return { rank, isEncoded, data: lengthPrefixed([...others, ...slices]) };
    });
  }

  /** The source's avcC, with how far pictures are reordered, and the anchors' parameter set. */
  #configuration({ candidate: { segment }, ranks }: AnchoredGroup, rewritten: RewrittenGroup): Buffer {
    const { header, plan } = this.#source;
    const { units, sequence, sequenceUnit } = this.#sets;
    const copied = segment.copied!;
    const shown = [...rewritten.pictures.map(({ picture }) => ranks[picture]!)];
    for (let packet = copied.from; packet < copied.to; packet += 1) shown.push(plan.rankOf[packet]!);
    const restriction = { maxNumReorderFrames: maxReordered(shown), maxDecFrameBuffering: maxDpbFrames(sequence) };
    const pictureUnits = units.filter((unit) => unit !== sequenceUnit);
    const sequenceUnits = [withRestriction(sequenceUnit, sequence, restriction)];
    return withAvcSets(header.configuration, sequenceUnits, [...pictureUnits, rewritten.pictureSet.unit]);
  }

  #crop(): string[] {
    const { crop, codedWidth, codedHeight } = this.#sets.sequence;
    const [width, height] = [codedWidth - crop.left - crop.right, codedHeight - crop.top - crop.bottom];
    const isWhole = width === codedWidth && height === codedHeight;
    return isWhole ? [] : [`crop=${width}:${height}:${crop.left}:${crop.top}`];
  }
}

/**
 * The group's file with another header, and without pictures that nobody needs: no other picture
 * refers to them, and their pixels aren't used. Each chunk behind the header is one picture.
 */
async function* chosenOf(
  chunks: AsyncIterable<Buffer>,
  header: Buffer,
  isDecoded: (picture: number) => boolean,
): AsyncGenerator<Buffer> {
  let picture = -1;
  for await (const chunk of chunks) {
    if (picture === -1) yield header;
    else if (isDecoded(picture)) yield chunk;
    picture += 1;
  }
}

/** The one slice of an encoded picture. */
function onlySlice(packet: Buffer, sets: StreamSets): Slice {
  const units = (lengthFramed(packet) ?? []).filter((unit) => isSlice("h264", unit));
  const [unit] = units;
  if (unit === undefined || units.length > 1)
    throw new H264Refusal("rewrite differs", `an encoded picture has ${units.length} slices`);
  return { unit, header: parseSliceHeader(unit, sets) };
}
