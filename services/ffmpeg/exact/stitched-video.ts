import { type ExactPlan, type ExactSegment, madeOf, type Ranks } from "../../split/domain/exact-segment.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import { MUX_OFFSET_SECONDS } from "../assembly/mux-segment.ts";
import { fragmentHeader, type Mp4Header, type Sample } from "../formats/iso/fragments.ts";
import { avcParameterSets, hevcParameterSets, withoutSets } from "../formats/nal/decoder-configuration.ts";
import { lengthPrefixed, type NalCodec } from "../formats/nal/units.ts";
import type { DriftSamples } from "./anchored/anchored-heads.ts";
import type { EncodedFrameAdapter } from "./encoded-frame-adapter.ts";
import { decodeTimes, type PresentationTimes } from "./presentation-times.ts";
import type { Section, Sections } from "./section.ts";
import type { SourceMp4Headers } from "./source-mp4-headers.ts";

/** Shared by all segments of a source. */
export type StitchingSource = {
  codec: NalCodec;
  plan: ExactPlan;
  index: PacketIndex;
  presentationTimes: PresentationTimes;
  /** MP4 headers with the clock of `presentationTimes`. */
  headers: SourceMp4Headers;
  encoded: EncodedFrameAdapter;
  /** Whether parameter sets can only be stored in the stream: transport streams. */
  isStartCoded: boolean;
};

/** A head whose first frames are encoded, and whose other frames are copied with other headers. */
export type AnchoredFrames = {
  /** Ranks of all of its packets, in decode order. */
  ranks: readonly number[];
  /** Hash of each copied picture by its rank. */
  hashes: ReadonlyMap<number, number>;
  /** avcC of the head and of the copied packets behind it. */
  configuration: Buffer;
  samples: DriftSamples;
};

export type StitchedSegment = {
  segment: ExactSegment;
  sections: Sections;
  /** Ranks of the copied packets, in decode order. */
  copied: readonly number[];
  /** avcC or hvcC of the encoded frames; undefined when there are none. */
  configuration: Buffer | undefined;
  /** The head, where it's anchored. */
  anchored?: AnchoredFrames | undefined;
};

/** A fragment ends at the first of these limits. */
const MAX_SAMPLES = 128;
const MAX_FRAGMENT_BYTES = 1024 * 1024;

/** Parameter sets, or bytes of consecutive packets. */
type Piece = { prefix: Buffer } | { section: Section; start: number; end: number };

type Packet = {
  rank: number;
  key: boolean;
  /** Parameter sets in front of it. */
  prefix: Buffer | undefined;
};

/** The video of a segment whose sections are complete, as one fragmented MP4 in decode order. */
export class StitchedVideo {
  readonly header: Mp4Header;
  /** MP4 header of the copied packets. */
  readonly #sourceHeader: Mp4Header;
  readonly #source: StitchingSource;
  readonly #stitched: StitchedSegment;

  constructor(source: StitchingSource, stitched: StitchedSegment) {
    this.#source = source;
    this.#stitched = stitched;
    const { copied, ranks } = stitched.segment;
    this.#sourceHeader = source.headers.ofPacket(copied?.from ?? source.plan.packetOf[ranks.from]!);
    this.header = headerOf(source, stitched, this.#sourceHeader);
  }

  /**
   * Writes the MP4. Times are seconds from the segment's first frame plus `MUX_OFFSET_SECONDS`. What
   * `sink` gets is gone when it has resolved.
   */
  async write(sink: (data: Buffer) => Promise<void>): Promise<void> {
    const { presentationTimes } = this.#source;
    const { segment, sections } = this.#stitched;
    const { ranks } = segment;
    const ticksOf = (rank: number) => presentationTimes.ofRank(rank) - presentationTimes.ofRank(ranks.from);
    const packets = this.#packets();
    const shown = packets.map(({ rank }) => ticksOf(rank));
    const times = decodeTimes(shown);
    const lastDuration = Math.max(
      Math.round(presentationTimes.lastDurationOf(segment) * presentationTimes.ticksPerSecond),
      1,
    );
    const offset = MUX_OFFSET_SECONDS * presentationTimes.ticksPerSecond;

    await sink(this.header.bytes);
    let samples: Sample[] = [];
    let pieces: Piece[] = [];
    let bytes = 0;
    let at = 0;
    const passOn = async () => {
      await sink(fragmentHeader(times[at - samples.length]! + offset, samples));
      for (const piece of pieces)
        await ("prefix" in piece ? sink(piece.prefix) : piece.section.passOn(piece.start, piece.end, sink));
      [samples, pieces, bytes] = [[], [], 0];
    };
    for (const section of [sections.head, sections.copied, sections.tail]) {
      let start = 0;
      for (const packetBytes of section.sizes) {
        const { key, prefix } = packets[at]!;
        const end = start + packetBytes;
        const last = pieces.at(-1);
        if (prefix !== undefined) pieces.push({ prefix }, { section, start, end });
        else if (last !== undefined && "section" in last && last.section === section) last.end = end;
        else pieces.push({ section, start, end });
        const size = (prefix?.length ?? 0) + packetBytes;
        const duration = at + 1 < times.length ? times[at + 1]! - times[at]! : lastDuration;
        samples.push({ duration, size, key, offset: shown[at]! - times[at]! });
        bytes += size;
        at += 1;
        start = end;
        if (samples.length === MAX_SAMPLES || bytes >= MAX_FRAGMENT_BYTES) await passOn();
      }
    }
    if (samples.length > 0) await passOn();
  }

  #packets(): Packet[] {
    const { plan, index, codec, isStartCoded } = this.#source;
    const { segment, copied, configuration, anchored } = this.#stitched;
    const changes = isStartCoded && madeOf(segment) === "stitched";
    const setsOf = codec === "hevc" ? hevcParameterSets : avcParameterSets;
    const sets = (sent: Buffer | undefined) =>
      changes && sent !== undefined ? lengthPrefixed(setsOf(sent)) : undefined;
    const begun = (ranks: readonly number[], sent: Buffer | undefined) =>
      ranks.map((rank, at) => ({ rank, key: at === 0, prefix: at === 0 ? sets(sent) : undefined }));
    const encoded = ({ from, to }: Ranks) =>
      begun(
        Array.from({ length: to - from }, (_, at) => from + at),
        configuration,
      );
    return [
      ...(anchored === undefined ? encoded(segment.head) : begun(anchored.ranks, anchored.configuration)),
      ...copied.map((rank, at) => ({
        rank,
        key: index.isKey(plan.packetOf[rank]!),
        prefix: at === 0 ? sets(this.#sourceHeader.configuration) : undefined,
      })),
      ...encoded(segment.tail),
    ];
  }
}

/** The MP4 header with the parameter sets of all pictures, copied and encoded. */
function headerOf(
  { codec, encoded, isStartCoded }: StitchingSource,
  { segment, configuration, anchored }: StitchedSegment,
  source: Mp4Header,
): Mp4Header {
  const made = madeOf(segment);
  const header = anchored === undefined ? source : source.withConfiguration(anchored.configuration);
  if (isStartCoded && anchored !== undefined) return header.withConfiguration(withoutSets(header.configuration, codec));
  if (made === "copied" || configuration === undefined) return header;
  if (made === "encoded") return header.withConfiguration(configuration);
  // ffmpeg's mpegts muxer adds the header's parameter sets where the stream has none, so the header
  // must have none.
  if (isStartCoded) return header.withConfiguration(withoutSets(header.configuration, codec));
  return header.withConfiguration(encoded.merged(header.configuration, configuration));
}
