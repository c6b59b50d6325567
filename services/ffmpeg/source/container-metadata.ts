import { isMatroska } from "../formats/containers.ts";
import type { MoviePatch } from "../formats/iso/patch-movie.ts";
import type { FfprobeOutput } from "./describe.ts";

/** Metadata of a source's container that all of its segments repeat. */
export type ContainerMetadata = {
  /** Creation time: milliseconds since 1970. */
  created: number | undefined;
  /** Tags such as title, location and camera, by ffmpeg's names. */
  tags: readonly (readonly [name: string, value: string])[];
  /** Display matrix: the nine integers of an MP4 track header, row by row. */
  displayMatrix: readonly number[] | undefined;
};

/** Tags that describe the file itself, and would be wrong in a segment. */
const FILE_TAGS = [
  ...["major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "timecode", "duration"],
  ...["company_name", "product_name", "product_version"],
];

const MAX_TAGS = 64;
const MAX_TAG_LENGTH = 1_024;

/** Names and values become arguments of ffmpeg, where a name ends at the first "=". */
const isKept = ([name, value]: readonly [string, string]): boolean =>
  !FILE_TAGS.includes(name.toLowerCase()) &&
  /^[^\p{Cc}=:]+$/u.test(name) &&
  /^\P{Cc}+$/u.test(value) &&
  name.length + value.length <= MAX_TAG_LENGTH;

/** Parses ffprobe's output: three lines, each with its number and three integers. */
function displayMatrixIn(text: string | undefined): number[] | undefined {
  const numbers = [...(text ?? "").matchAll(/^\d+:(.*)$/gm)].flatMap(([, row]) => row!.trim().split(/\s+/).map(Number));
  return numbers.length === 9 && numbers.every((value) => Number.isInteger(value)) ? numbers : undefined;
}

/** The metadata of a file whose stream `video` is cut. */
export function containerMetadataOf({ format, streams }: FfprobeOutput, video: number): ContainerMetadata {
  const stream = streams.find(({ index }) => index === video);
  const created = Date.parse(format.tags?.creation_time ?? stream?.tags?.creation_time ?? "");
  const matrices = stream?.side_data_list ?? [];
  return {
    created: Number.isNaN(created) ? undefined : created,
    tags: Object.entries(format.tags ?? {})
      .filter(isKept)
      .slice(0, MAX_TAGS),
    displayMatrix: matrices.map(({ displaymatrix }) => displayMatrixIn(displaymatrix)).find(Boolean),
  };
}

/** The metadata to patch into a segment that begins `start` seconds after the source. */
export const metadataPatchAt = ({ created, displayMatrix }: ContainerMetadata, start: number): MoviePatch => ({
  created: created === undefined ? undefined : created + start * MILLISECONDS,
  displayMatrix,
});

const MILLISECONDS = 1_000;

/** Prefix of QuickTime's metadata keys. MP4 stores them too, with the muxer's use_metadata_tags. */
const QUICKTIME_NAME = /^com\./i;

/** The `movflags` that keep these tags. */
export const flagsForTags = ({ tags }: ContainerMetadata): string =>
  tags.some(([name]) => QUICKTIME_NAME.test(name)) ? "+use_metadata_tags" : "";

/**
 * Output options that remove tags of the file itself, and the timecode, which would be the source's
 * first one in every segment. `muxer`: ffmpeg's name.
 */
export const withoutFileTags = ({ created }: ContainerMetadata, muxer: string): string[] => [
  ...FILE_TAGS.filter((name) => name !== "creation_time").flatMap((name) => ["-metadata", `${name}=`]),
  ...["-metadata:s", "timecode=", "-metadata:s", "creation_time="],
  // The muxer writes DateUTC only when it's given a time; `patchMetadata` then sets it.
  ...(created === undefined || !isMatroska({ muxer })
    ? []
    : ["-metadata", `creation_time=${new Date(created).toISOString()}`]),
];

/** Output options that repeat the source's tags when the input isn't the source itself. */
export const tagOptions = ({ tags }: ContainerMetadata): string[] =>
  tags.flatMap(([name, value]) => ["-metadata", `${name}=${value}`]);
