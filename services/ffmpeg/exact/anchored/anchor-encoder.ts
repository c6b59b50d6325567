import type { StreamSets } from "../../formats/h264/pictures.ts";
import { isHighProfile } from "../../formats/h264/sequence-parameter-set.ts";

/**
 * How anchors are encoded: each picture refers to the one before, with the tools that the source's
 * parameter sets allow. docs/decisions/anchored-boundaries.md
 */

/** The coarsest quantiser at which the error of anchors is less than that of the copies behind. */
const QUANTISER = 8;
const QUANTISERS_PER_BIT = 6;

/** Memory that anchors take beside another encoder, in frames: 7 were measured at 1080p. */
export const ANCHOR_FRAMES = 8;

/** As for other encoded frames: options that look better and measure worse are off. */
const EXACTNESS = [
  ...["aq-mode=0", "mbtree=0", "psy=0", "trellis=0", "dct-decimate=0", "deadzone-inter=6", "deadzone-intra=6"],
  ...["rc-lookahead=0", "sync-lookahead=0"],
];

/** One slice a picture, and no reference but the picture before. */
const SIMPLE = ["bframes=0", "ref=1", "weightp=0", "scenecut=0", "slices=1", "sliced-threads=0", "interlaced=0"];

const HIGH_PROFILE_NAMES: Readonly<Record<number, string>> = { 100: "high", 110: "high10", 122: "high422" };

const profileOf = ({ sequence: { profileIdc } }: StreamSets): string =>
  profileIdc === 66 ? "baseline" : (HIGH_PROFILE_NAMES[profileIdc] ?? "main");

/** ffmpeg's options of an encoder for anchors of a stream. `pictureSetId`: of a picture near them. */
export function anchorEncoderOptions(sets: StreamSets, pictureSetId: number): string[] {
  const { sequence } = sets;
  const set = sets.pictures.get(pictureSetId)!;
  const isBaseline = sequence.profileIdc === 66;
  const flag = (value: boolean) => (value ? 1 : 0);
  const tools = [
    `cabac=${flag(set.isCabac && !isBaseline)}`,
    `8x8dct=${flag(isHighProfile(sequence))}`,
    `constrained-intra=${flag(set.constrainedIntraPred)}`,
    `level=${sequence.levelIdc}`,
    "keyint=infinite",
  ];
  const quantiser = QUANTISER + QUANTISERS_PER_BIT * (sequence.bitDepth - 8);
  return [
    ...["-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-profile:v", profileOf(sets)],
    ...["-qp", String(quantiser), "-forced-idr", "1"],
    ...["-x264-params", [...SIMPLE, ...EXACTNESS, ...tools].join(":")],
  ];
}
