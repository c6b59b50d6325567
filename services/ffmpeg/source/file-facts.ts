import type { MovieStamp } from "../formats/iso/movie-stamp.ts";
import type { FfprobeOutput } from "./describe.ts";

/** What a source says beside its tracks' contents, as all of its segments are to repeat it. */
export type FileFacts = {
  /** When its recording began: milliseconds since 1970. */
  created: number | undefined;
  /** Place, title, camera and the like, by ffmpeg's names. */
  tags: readonly (readonly [name: string, value: string])[];
  /** How its picture is turned: the nine numbers of a track header of MP4, row by row. */
  displayMatrix: readonly number[] | undefined;
};

/** Tags that speak of the file itself, and would be wrong in another one. */
const OF_THE_FILE = [
  ...["major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "timecode", "duration"],
  ...["company_name", "product_name", "product_version"],
];

const MAX_TAGS = 64;
const MAX_TAG_LENGTH = 1_024;

/** Names and values are arguments of ffmpeg: a name ends with the first "=". */
const isKept = ([name, value]: readonly [string, string]): boolean =>
  !OF_THE_FILE.includes(name.toLowerCase()) &&
  /^[^\p{Cc}=:]+$/u.test(name) &&
  /^\P{Cc}+$/u.test(value) &&
  name.length + value.length <= MAX_TAG_LENGTH;

/** As ffprobe prints it: three lines, each with its number and three integers. */
function displayMatrixIn(text: string | undefined): number[] | undefined {
  const numbers = [...(text ?? "").matchAll(/^\d+:(.*)$/gm)].flatMap(([, row]) => row!.trim().split(/\s+/).map(Number));
  return numbers.length === 9 && numbers.every((value) => Number.isInteger(value)) ? numbers : undefined;
}

/** The facts of a file of which stream `video` is cut. */
export function fileFactsOf({ format, streams }: FfprobeOutput, video: number): FileFacts {
  const picture = streams.find(({ index }) => index === video);
  const created = Date.parse(format.tags?.creation_time ?? picture?.tags?.creation_time ?? "");
  const matrices = picture?.side_data_list ?? [];
  return {
    created: Number.isNaN(created) ? undefined : created,
    tags: Object.entries(format.tags ?? {})
      .filter(isKept)
      .slice(0, MAX_TAGS),
    displayMatrix: matrices.map(({ displaymatrix }) => displayMatrixIn(displaymatrix)).find(Boolean),
  };
}

/** The stamp of a segment that begins so many seconds after the source. */
export const stampAt = ({ created, displayMatrix }: FileFacts, start: number): MovieStamp => ({
  created: created === undefined ? undefined : created + start * MILLISECONDS,
  displayMatrix,
});

const MILLISECONDS = 1_000;

/** Where QuickTime keeps names of its own, MP4 does too, with an option of its muxer. */
const QUICKTIME_NAME = /^com\./i;

/** `movflags` that keep these tags. */
export const flagsForTags = ({ tags }: FileFacts): string =>
  tags.some(([name]) => QUICKTIME_NAME.test(name)) ? "+use_metadata_tags" : "";

/**
 * Output options: no tag that speaks of another file, and no timecode, which would be the source's
 * first in every segment. `muxer` is ffmpeg's name.
 */
export const withoutFileTags = ({ created }: FileFacts, muxer: string): string[] => [
  ...OF_THE_FILE.filter((name) => name !== "creation_time").flatMap((name) => ["-metadata", `${name}=`]),
  ...["-metadata:s", "timecode=", "-metadata:s", "creation_time="],
  // Matroska has a place for it where there is one: `stampFile` sets it.
  ...(created === undefined || !MATROSKA.includes(muxer)
    ? []
    : ["-metadata", `creation_time=${new Date(created).toISOString()}`]),
];

const MATROSKA: readonly string[] = ["matroska", "webm"];

/** Output options that repeat the source's tags, where the input isn't the source itself. */
export const tagOptions = ({ tags }: FileFacts): string[] =>
  tags.flatMap(([name, value]) => ["-metadata", `${name}=${value}`]);
