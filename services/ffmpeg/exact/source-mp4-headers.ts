import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { Mp4Header } from "../formats/iso/fragments.ts";
import { avcParameterSets, hevcParameterSets } from "../formats/nal/decoder-configuration.ts";
import { lengthPrefixed, type NalCodec } from "../formats/nal/units.ts";
import { StitchError } from "./stitch-error.ts";

/**
 * What decoders are set up with for the packets of a source: the same for all of them, or where the
 * source has several sample descriptions, that of each packet's own.
 */
export class SourceMp4Headers {
  readonly #index: PacketIndex;
  readonly #codec: NalCodec;
  readonly #headers: readonly Mp4Header[];

  /** `header` is of the first packet. Throws `StitchError` where a description's configuration isn't known. */
  constructor(header: Mp4Header, codec: NalCodec, index: PacketIndex, configurations: readonly Buffer[]) {
    this.#index = index;
    this.#codec = codec;
    if (index.changesDescription && configurations.length === 0)
      throw new StitchError("the source's sample descriptions can't be read");
    this.#headers = index.changesDescription ? configurations.map((one) => header.withConfiguration(one)) : [header];
  }

  /** avcC or hvcC of each. */
  get configurations(): Buffer[] {
    return this.#headers.map(({ configuration }) => configuration);
  }

  /** Of a packet, counted in decode order. */
  ofPacket(packet: number): Mp4Header {
    const header = this.#headers[this.#index.description(packet)];
    if (header === undefined) throw new StitchError(`packet ${packet} needs a sample description that isn't there`);
    return header;
  }

  /** The packet, behind its parameters where the one before in the stream needs others. */
  withParameterSets(packet: number, framed: Buffer): Buffer {
    if (packet === 0 || this.#index.description(packet) === this.#index.description(packet - 1)) return framed;
    const setsOf = this.#codec === "hevc" ? hevcParameterSets : avcParameterSets;
    return Buffer.concat([lengthPrefixed(setsOf(this.ofPacket(packet).configuration)), framed]);
  }
}
