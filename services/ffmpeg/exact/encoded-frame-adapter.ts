import type { Ranks } from "../../split/domain/exact-plan.ts";
import { hevcParameterSets, mergedAvcConfiguration } from "../formats/nal/decoder-configuration.ts";
import { RenumberedHevcSets } from "../formats/nal/hevc-parameter-set-ids.ts";
import { type Message, pictureMessages, sequenceMessages, withMessages } from "../formats/nal/sei-messages.ts";
import { isIdr, lengthFramed, type NalCodec } from "../formats/nal/units.ts";

/**
 * Fits encoded frames in between the source's packets: with parameter sets of other ids, and with
 * the messages of the source that encoders don't write again.
 */
export class EncodedFrameAdapter {
  readonly #codec: NalCodec;
  readonly #sources: readonly Buffer[];
  readonly #sets: RenumberedHevcSets | undefined;
  /** Sorted. */
  readonly #runs: readonly Ranks[];
  #sequence: Message[] | undefined;
  /** By rank, until its frame is encoded. */
  readonly #pictures = new Map<number, Message[]>();
  #configuration: { encoded: Buffer; own: Buffer } | undefined;
  /** How many frames of each run came, by its first rank. */
  readonly #counts = new Map<number, number>();

  /** `sources`: each avcC or hvcC of the source. `runs`: the frames that will be encoded. */
  constructor(codec: NalCodec, sources: readonly Buffer[], runs: readonly Ranks[]) {
    this.#codec = codec;
    this.#sources = sources;
    this.#sets = codec === "hevc" ? new RenumberedHevcSets(sources) : undefined;
    this.#runs = runs.toSorted((one, other) => one.from - other.from);
  }

  /** Takes each packet of the source, framed by lengths; before its frame is encoded. */
  inspect(rank: number, packet: Buffer, isKey: boolean): void {
    if (isKey && this.#sequence === undefined) {
      const first = this.#codec === "hevc" ? this.#sources.flatMap(hevcParameterSets) : [];
      const units = [...(lengthFramed(packet) ?? []), ...first];
      this.#sequence = sequenceMessages(this.#codec, units);
    }
    if (!this.#isEncoded(rank)) return;
    const messages = pictureMessages(this.#codec, packet);
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

  /** What an encoder wrote, avcC or hvcC, as its frames' own. */
  configuration(encoded: Buffer): Buffer {
    if (this.#sets === undefined) return encoded;
    // The same for each frame, and for all encoders of a source.
    if (this.#configuration?.encoded.equals(encoded) !== true)
      this.#configuration = { encoded, own: this.#sets.configuration(encoded) };
    return this.#configuration.own;
  }

  /** The next frame of a run. */
  frame({ from }: Ranks, frame: Buffer): Buffer {
    const count = this.#counts.get(from) ?? 0;
    this.#counts.set(from, count + 1);
    const renumbered = this.#sets?.frame(frame) ?? frame;
    const messages = [...(isIdr(this.#codec, frame) ? (this.#sequence ?? []) : [])];
    messages.push(...(this.#pictures.get(from + count) ?? []));
    this.#pictures.delete(from + count);
    return withMessages(this.#codec, renumbered, messages);
  }

  /** One avcC or hvcC for pictures of the source, which have `source`, and for encoded ones, which have `configuration`. */
  merged(source: Buffer, configuration: Buffer): Buffer {
    return this.#sets?.merged(source, configuration) ?? mergedAvcConfiguration(source, configuration);
  }
}
