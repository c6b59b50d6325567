import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { Mp4Header } from "../formats/iso/fragments.ts";
import { avcParameterSets, hevcParameterSets } from "../formats/nal/decoder-configuration.ts";
import { lengthPrefixed, type NalCodec } from "../formats/nal/units.ts";
import { StitchError } from "./stitch-error.ts";

/**
 * The MP4 headers that decoders need for the packets of a source: one for all packets, or one for
 * each sample description.
 */
export class SourceMp4Headers {
  readonly #index: PacketIndex;
  readonly #codec: NalCodec;
  readonly #headers: readonly Mp4Header[];

  /**
   * `header`: of the first packet. Throws `StitchError` when a description's configuration is
   * unknown.
   */
  constructor(header: Mp4Header, codec: NalCodec, index: PacketIndex, configurations: readonly Buffer[]) {
    this.#index = index;
    this.#codec = codec;
    if (index.changesDescription && configurations.length === 0)
      throw new StitchError("the source's sample descriptions can't be read");
    this.#headers = index.changesDescription ? configurations.map((one) => header.withConfiguration(one)) : [header];
  }

  /** avcC or hvcC of each header. */
  get configurations(): Buffer[] {
    return this.#headers.map(({ configuration }) => configuration);
  }

  /** The header for a packet, counted in decode order. */
  ofPacket(packet: number): Mp4Header {
    const header = this.#headers[this.#index.description(packet)];
    if (header === undefined) throw new StitchError(`packet ${packet} needs a sample description that isn't there`);
    return header;
  }

  /** The packet, preceded by its parameter sets when they differ from the previous packet's. */
  withParameterSets(packet: number, framed: Buffer): Buffer {
    if (packet === 0 || this.#index.description(packet) === this.#index.description(packet - 1)) return framed;
    const setsOf = this.#codec === "hevc" ? hevcParameterSets : avcParameterSets;
    return Buffer.concat([lengthPrefixed(setsOf(this.ofPacket(packet).configuration)), framed]);
  }
}
