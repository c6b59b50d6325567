import type { Ranks } from "../../split/domain/exact-segment.ts";
import { hevcParameterSets, mergedAvcConfiguration } from "../formats/nal/decoder-configuration.ts";
import { RenumberedHevcSets } from "../formats/nal/hevc-parameter-set-ids.ts";
import { pictureMessages, type SeiMessage, sequenceMessages, withMessages } from "../formats/nal/sei-messages.ts";
import { isIdr, lengthFramed, type NalCodec } from "../formats/nal/units.ts";

/** Copies of messages, whose packet is gone when the next one is read. */
const kept = (messages: readonly SeiMessage[]): SeiMessage[] =>
  messages.map(({ type, payload }) => ({ type, payload: Buffer.from(payload) }));

/**
 * Adapts encoded frames to the source's stream: gives their parameter sets ids that the source
 * doesn't use, and adds the source's SEI messages, which encoders don't write.
 */
export class EncodedFrameAdapter {
  readonly #codec: NalCodec;
  readonly #sources: readonly Buffer[];
  readonly #sets: RenumberedHevcSets | undefined;
  /** Sorted by first rank. */
  readonly #runs: readonly Ranks[];
  #sequence: SeiMessage[] | undefined;
  /** SEI messages of source pictures by rank, until their frames are encoded. */
  readonly #pictures = new Map<number, SeiMessage[]>();
  #configuration: { encoded: Buffer; own: Buffer } | undefined;
  /** Frames returned so far of each run, by its first rank. */
  readonly #counts = new Map<number, number>();

  /** `sources`: each avcC or hvcC of the source. `runs`: the frames that will be encoded. */
  constructor(codec: NalCodec, sources: readonly Buffer[], runs: readonly Ranks[]) {
    this.#codec = codec;
    this.#sources = sources;
    this.#sets = codec === "hevc" ? new RenumberedHevcSets(sources) : undefined;
    this.#runs = runs.toSorted((one, other) => one.from - other.from);
  }

  /**
   * Collects the SEI messages of a source packet in length format. Call it for each packet, before
   * its frame is encoded.
   */
  inspect(rank: number, packet: Buffer, isKey: boolean): void {
    if (isKey && this.#sequence === undefined) {
      const first = this.#codec === "hevc" ? this.#sources.flatMap(hevcParameterSets) : [];
      const units = [...(lengthFramed(packet) ?? []), ...first];
      this.#sequence = kept(sequenceMessages(this.#codec, units));
    }
    if (!this.#isEncoded(rank)) return;
    const messages = kept(pictureMessages(this.#codec, packet));
    if (messages.length > 0) this.#pictures.set(rank, messages);
  }

  #isEncoded(rank: number): boolean {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#runs[middle]!.to <= rank) low = middle + 1;
      else high = middle;
    }
    const run = this.#runs[low];
    return run !== undefined && run.from <= rank;
  }

  /** An encoder's avcC or hvcC with the ids that its frames will have. */
  configuration(encoded: Buffer): Buffer {
    if (this.#sets === undefined) return encoded;
    // All encoders of a source write the same configuration, so it's computed once.
    if (this.#configuration?.encoded.equals(encoded) !== true)
      this.#configuration = { encoded, own: this.#sets.configuration(encoded) };
    return this.#configuration.own;
  }

  /** Adapts an anchor, which has the source's parameter sets. `isFirst`: it begins a segment. */
  anchor(rank: number, packet: Buffer, isFirst: boolean): Buffer {
    const messages = [...(isFirst ? (this.#sequence ?? []) : []), ...(this.#pictures.get(rank) ?? [])];
    this.forget(rank);
    return withMessages(this.#codec, packet, messages);
  }

  /** Forgets the messages of a picture that is copied after all. */
  forget(rank: number): void {
    this.#pictures.delete(rank);
  }

  /** Adapts the next encoded frame of a run. */
  frame({ from }: Ranks, frame: Buffer): Buffer {
    const count = this.#counts.get(from) ?? 0;
    this.#counts.set(from, count + 1);
    const renumbered = this.#sets?.frame(frame) ?? frame;
    const messages = [...(isIdr(this.#codec, frame) ? (this.#sequence ?? []) : [])];
    messages.push(...(this.#pictures.get(from + count) ?? []));
    this.#pictures.delete(from + count);
    return withMessages(this.#codec, renumbered, messages);
  }

  /** One avcC or hvcC for copied pictures (`source`) and encoded ones (`configuration`). */
  merged(source: Buffer, configuration: Buffer): Buffer {
    return this.#sets?.merged(source, configuration) ?? mergedAvcConfiguration(source, configuration);
  }
}
