import { avcParameterSets } from "../nal/decoder-configuration.ts";
import { lengthFramed } from "../nal/units.ts";
import { DecoderModel, type PictureState } from "./decoder-model.ts";
import { type PictureParameterSet, parsePictureParameterSet } from "./picture-parameter-set.ts";
import { H264Refusal } from "./refusal.ts";
import { parseSequenceParameterSet, type SequenceParameterSet } from "./sequence-parameter-set.ts";
import { type ParameterSets, parseSliceHeader, type SliceHeader } from "./slice-header.ts";

/** The parameter sets of a stream that has one sequence parameter set, with their units. */
export type StreamSets = ParameterSets & { units: readonly Buffer[]; sequenceUnit: Buffer };

export type Slice = { unit: Buffer; header: SliceHeader };

/** A picture of a stream: what its packet has, and what a decoder knows of it. */
export type Picture = PictureState & {
  slices: readonly Slice[];
  /** Units in front of its slices, except parameter sets and filler data. */
  others: readonly Buffer[];
};

/** nal_unit_type, table 7-1. */
const TYPES = {
  slice: 1,
  idr: 5,
  message: 6,
  sequenceSet: 7,
  pictureSet: 8,
  delimiter: 9,
  filler: 12,
  firstUnspecified: 24,
} as const;
const PARTITIONS = [2, 3, 4];

const typeOf = (unit: Buffer): number => unit[0]! & 31;

/** The parameter sets of an avcC. Throws `H264Refusal`, and `CutFailedError` for an incomplete avcC. */
export function streamSets(configuration: Buffer): StreamSets {
  const units = avcParameterSets(configuration).filter((unit) => unit.length > 0);
  const sequences = units.filter((unit) => typeOf(unit) === TYPES.sequenceSet);
  const [sequenceUnit] = sequences;
  if (sequenceUnit === undefined || sequences.length > 1)
    throw new H264Refusal("changing parameter sets", `there are ${sequences.length} sequence parameter sets`);
  const sequence: SequenceParameterSet = parseSequenceParameterSet(sequenceUnit);
  const pictures = new Map<number, PictureParameterSet>();
  for (const unit of units.filter((one) => typeOf(one) === TYPES.pictureSet)) {
    const set = parsePictureParameterSet(unit);
    if (set.sequenceId !== sequence.id || pictures.has(set.id))
      throw new H264Refusal("changing parameter sets", `there are several picture parameter sets ${set.id}`);
    pictures.set(set.id, set);
  }
  return { sequence, pictures, units, sequenceUnit };
}

/**
 * The pictures of packets (4-byte lengths) in decode order, the first of which must be an IDR
 * picture. Throws `H264Refusal` for what isn't known, and for another IDR picture.
 */
export function readPictures(packets: readonly Buffer[], sets: StreamSets): Picture[] {
  const model = new DecoderModel(sets.sequence);
  return packets.map((packet, picture) => {
    const { slices, others } = readPacket(packet, sets);
    if (picture > 0 && slices[0]!.header.isIdr)
      throw new H264Refusal("no IDR picture", "the group has a second IDR picture");
    const headers = slices.map(({ header }) => header);
    return { slices, others, ...model.decode(picture, headers) };
  });
}

/** The slices of a packet, and its other units. */
function readPacket(packet: Buffer, sets: StreamSets): Pick<Picture, "slices" | "others"> {
  const units = lengthFramed(packet);
  if (units === undefined) throw new H264Refusal("malformed", "a packet has no valid NAL units");
  const slices: Slice[] = [];
  const others: Buffer[] = [];
  for (const unit of units) {
    const type = typeOf(unit);
    if (type === TYPES.slice || type === TYPES.idr) slices.push({ unit, header: parseSliceHeader(unit, sets) });
    else if (type === TYPES.sequenceSet || type === TYPES.pictureSet) checkKnown(unit, sets);
    else if (PARTITIONS.includes(type)) throw new H264Refusal("data partitions", `nal_unit_type is ${type}`);
    else if (type === TYPES.filler) continue;
    else if (type === TYPES.message || type === TYPES.delimiter || type >= TYPES.firstUnspecified || type === 0)
      others.push(unit);
    else throw new H264Refusal("layers", `nal_unit_type is ${type}`);
  }
  if (slices.length === 0) throw new H264Refusal("malformed", "a packet has no slice");
  return { slices, others };
}

/** Bytes behind a unit that belong to the stream: trailing_zero_8bits. */
function withoutZeros(unit: Buffer): Buffer {
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end -= 1;
  return unit.subarray(0, end);
}

function checkKnown(unit: Buffer, { units }: StreamSets): void {
  const own = withoutZeros(unit).subarray(1);
  if (!units.some((known) => typeOf(known) === typeOf(unit) && withoutZeros(known).subarray(1).equals(own)))
    throw new H264Refusal("changing parameter sets", "a packet has a parameter set that differs from the header's");
}
