import type { PictureParameterSet } from "../../formats/h264/picture-parameter-set.ts";
import type { Slice, StreamSets } from "../../formats/h264/pictures.ts";
import { H264Refusal } from "../../formats/h264/refusal.ts";
import { isHighProfile } from "../../formats/h264/sequence-parameter-set.ts";

export type EncodedPictures = {
  /** The source's. */
  sets: StreamSets;
  /** One for each of `encodedPictures(plan)`; runs begin with an IDR picture. */
  encoded: readonly Slice[];
  encodedSets: StreamSets;
  /** Ids of picture parameter sets that other encoded pictures use. */
  usedPictureSetIds: readonly number[];
};

/**
 * The encoder's picture parameter set as one of the source's stream, with a free id. `nearest`: id of
 * the set that the source's picture in the place of the first one uses. Throws `H264Refusal` where
 * the encoder's pictures don't fit into the stream.
 */
export function encodedPictureSet(
  { sets, encoded, encodedSets, usedPictureSetIds }: EncodedPictures,
  nearest: number,
): PictureParameterSet {
  const ids = new Set(encoded.map(({ header }) => header.pictureSetId));
  const [id] = ids;
  const set = id === undefined ? undefined : encodedSets.pictures.get(id);
  const own = encodedSets.sequence;
  const { sequence } = sets;
  const isSameFormat =
    own.codedWidth === sequence.codedWidth &&
    own.codedHeight === sequence.codedHeight &&
    own.bitDepth === sequence.bitDepth &&
    own.chromaFormatIdc === sequence.chromaFormatIdc;
  if (set === undefined || ids.size !== 1 || !isSameFormat)
    throw new H264Refusal("rewrite differs", "the encoder's pictures have another format than the source's");
  const isExtended = set.transform8x8Mode || set.secondChromaQpIndexOffset !== set.chromaQpIndexOffset;
  if (isExtended && !isHighProfile(sequence))
    throw new H264Refusal("profile", "the encoder used tools that the source's profile lacks");
  const used = [...sets.pictures.keys(), ...usedPictureSetIds];
  const free = Array.from({ length: used.length + 1 }, (_, at) => at).find((one) => !used.includes(one))!;
  const source = sets.pictures.get(nearest)!;
  return { ...set, id: free, sequenceId: sequence.id, hasBottomFieldOrder: source.hasBottomFieldOrder };
}
