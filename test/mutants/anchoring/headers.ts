import type { TestedMutant } from "../tested-mutant.ts";

const SEQUENCE = "services/ffmpeg/formats/h264/sequence-parameter-set.ts";
const PICTURE_SET = "services/ffmpeg/formats/h264/picture-parameter-set.ts";
const SLICE = "services/ffmpeg/formats/h264/slice-header.ts";
const PICTURES = "services/ffmpeg/formats/h264/pictures.ts";
const MODEL = "services/ffmpeg/formats/h264/decoder-model.ts";
const REFERENCES = "services/ffmpeg/formats/h264/reference-pictures.ts";

const REFUSALS = "unit/ffmpeg/h264-refusals.test.ts";
const SETS = "unit/ffmpeg/h264-parameter-sets.test.ts";
const MARKING = "unit/ffmpeg/h264-references.test.ts";

/** Streams that aren't simulated. */
export const HEADER_MUTANTS: readonly TestedMutant[] = [
  {
    name: "interlaced",
    without: "Interlaced streams are refused.",
    edits: [
      { file: SEQUENCE, from: "if (!reader.flag()) throw", to: "if (!reader.flag() && reader.flag() && false) throw" },
    ],
    caughtBy: SETS,
  },
  {
    name: "profile",
    without: "Streams of other profiles are refused.",
    edits: [{ file: SEQUENCE, from: "if (!KNOWN_PROFILES.includes(profileIdc))", to: "if (profileIdc > 255)" }],
    caughtBy: SETS,
  },
  {
    name: "order-type",
    without: "Streams of picture order count type 1 are refused.",
    edits: [{ file: SEQUENCE, from: "if (picOrderCntType === 1)", to: "if (picOrderCntType > 2)" }],
    caughtBy: SETS,
  },
  {
    name: "chroma-format",
    without: "Streams of other chroma formats are refused.",
    edits: [
      {
        file: SEQUENCE,
        from: "if (format.chromaFormatIdc !== 1 && format.chromaFormatIdc !== 2)",
        to: "if (format.chromaFormatIdc > 3)",
      },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "bit-depth",
    without: "Streams of other bit depths, or of two, are refused.",
    edits: [
      {
        file: SEQUENCE,
        from: "if (chromaDepth !== format.bitDepth || (format.bitDepth !== 8 && format.bitDepth !== 10))",
        to: "if (chromaDepth > 14)",
      },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "lossless",
    without: "Streams with lossless macroblocks are refused.",
    edits: [
      { file: SEQUENCE, from: "if (reader.flag()) throw", to: "if (reader.flag() && format.bitDepth === 0) throw" },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "slice-groups",
    without: "Streams with slice groups are refused.",
    edits: [{ file: PICTURE_SET, from: "if (reader.ue() > 0)", to: "if (reader.ue() > 8)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "switching-slices",
    without: "Switching slices are refused.",
    edits: [{ file: SLICE, from: 'if (type === "SP" || type === "SI")', to: "if (typeCode > 9)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "redundant-pictures",
    without: "Redundant pictures are refused.",
    edits: [{ file: SLICE, from: "reader.ue(127) > 0)", to: "reader.ue(127) > 127)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "long-term-idr",
    without: "An IDR picture that is a long-term reference is refused.",
    edits: [{ file: SLICE, from: "if (reader.flag()) throw", to: "if (reader.flag() && !isIdr) throw" }],
    caughtBy: REFUSALS,
  },
  {
    name: "long-term-list",
    without: "A list that names a long-term reference is refused.",
    edits: [{ file: SLICE, from: "if (idc === 2) throw", to: "if (idc > 3) throw" }],
    caughtBy: REFUSALS,
  },
  {
    name: "long-term-marking",
    without: "A marking operation on long-term references is refused.",
    edits: [{ file: SLICE, from: "if (operation !== 1) throw", to: "if (operation > 6) throw" }],
    caughtBy: REFUSALS,
  },
  {
    name: "marking-reset",
    without: "Operation 5, which unmarks all pictures, is refused.",
    edits: [{ file: SLICE, from: "if (operation === 5) throw", to: "if (operation > 6) throw" }],
    caughtBy: REFUSALS,
  },
  {
    name: "idr-slice",
    without: "An IDR picture must have I slices, and be a reference.",
    edits: [
      { file: SLICE, from: 'if (isIdr && (nalRefIdc === 0 || type !== "I"))', to: "if (isIdr && nalRefIdc > 3)" },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "one-sequence-set",
    without: "Streams with several sequence parameter sets are refused.",
    edits: [
      {
        file: PICTURES,
        from: "if (sequenceUnit === undefined || sequences.length > 1)",
        to: "if (sequenceUnit === undefined)",
      },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "one-picture-set",
    without: "Streams with several picture parameter sets of one id are refused.",
    edits: [{ file: PICTURES, from: " || pictures.has(set.id))", to: ")" }],
    caughtBy: REFUSALS,
  },
  {
    name: "known-sets",
    without: "A packet with another parameter set than the header's is refused.",
    edits: [{ file: PICTURES, from: "checkKnown(unit, sets);", to: "continue;" }],
    caughtBy: REFUSALS,
  },
  {
    name: "data-partitions",
    without: "Data partitions are refused.",
    edits: [
      {
        file: PICTURES,
        from: "else if (PARTITIONS.includes(type)) throw",
        to: "else if (PARTITIONS.includes(type)) others.push(unit);\n    else if (type > 31) throw",
      },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "layers",
    without: "Units of other layers are refused.",
    edits: [
      {
        file: PICTURES,
        from: '    else throw new H264Refusal("layers",',
        to: '    else others.push(unit);\n    if (type > 31) throw new H264Refusal("layers",',
      },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "second-idr",
    without: "A group with a second IDR picture is refused.",
    edits: [{ file: PICTURES, from: "if (picture > 0 && slices[0]!.header.isIdr)", to: "if (picture < 0)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "first-idr",
    without: "A group that doesn't begin with an IDR picture is refused.",
    edits: [
      {
        file: MODEL,
        from: "if (this.#previousFrameNum === undefined) throw",
        to: "if (this.#previousFrameNum === undefined) return;\n    if (this.#previousFrameNum < 0) throw",
      },
    ],
    caughtBy: REFUSALS,
  },
  {
    name: "frame-num-gap",
    without: "A gap in frame_num is refused.",
    edits: [{ file: MODEL, from: "if (frameNum !== expected)", to: "if (frameNum < 0)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "idr-frame-num",
    without: "frame_num of an IDR picture must be 0.",
    edits: [{ file: MODEL, from: "if (frameNum !== 0) throw", to: "if (frameNum < 0) throw" }],
    caughtBy: REFUSALS,
  },
  {
    name: "slice-order",
    without: "Slices in another order than that of macroblocks are refused.",
    edits: [{ file: MODEL, from: "if (slice.firstMb <= previous.firstMb)", to: "if (slice.firstMb < 0)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "first-slice",
    without: "A picture without its first slice is refused.",
    edits: [{ file: MODEL, from: "if (first?.firstMb !== 0)", to: "if (first === undefined)" }],
    caughtBy: REFUSALS,
  },
  {
    name: "slices-agree",
    without: "Slices of a picture that contradict each other are refused.",
    edits: [{ file: MODEL, from: "if (!isSame) throw", to: "if (!isSame && isSame) throw" }],
    caughtBy: REFUSALS,
  },
  {
    name: "missing-named",
    without: "A list that names a picture which isn't there is refused.",
    edits: [
      {
        file: REFERENCES,
        from: 'if (named === undefined) throw new H264Refusal("missing reference", "a list modification names no reference");',
        to: "if (named === undefined) continue;",
      },
    ],
    caughtBy: MARKING,
  },
  {
    name: "missing-unmarked",
    without: "A marking operation on a picture which isn't there is refused.",
    edits: [{ file: REFERENCES, from: "if (left.length === kept.length)", to: "if (left.length > kept.length)" }],
    caughtBy: MARKING,
  },
  {
    name: "reference-buffer",
    without: "More references than max_num_ref_frames are refused.",
    edits: [
      {
        file: REFERENCES,
        from: "  if (kept.length >= Math.max(maxNumRefFrames, 1))\n    throw",
        to: "  if (kept.length > 16)\n    throw",
      },
    ],
    caughtBy: MARKING,
  },
  {
    name: "frame-num-wraps",
    without: "A picture that is kept until its frame_num is used again is refused.",
    edits: [
      {
        file: REFERENCES,
        from: "if (kept.some(({ frameNum }) => frameNum === own.frameNum))",
        to: "if (own.frameNum < 0)",
      },
    ],
    caughtBy: MARKING,
  },
];
