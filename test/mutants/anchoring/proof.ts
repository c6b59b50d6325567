import type { TestedMutant } from "../tested-mutant.ts";

const CHECK = "services/ffmpeg/exact/anchored/drift-check.ts";
const DRIFT = "services/ffmpeg/exact/anchored/drift.ts";
const STITCH = "services/ffmpeg/exact/stitch-check.ts";
const WRITER = "services/ffmpeg/exact/stitched-segment-writer.ts";
const STITCHER = "services/ffmpeg/exact/stitcher.ts";
const RUN = "services/ffmpeg/exact/anchored/run-anchor-encoder.ts";

const BOUNDARY = "integration/ffmpeg/anchored-boundary.test.ts";
const GUARDS = "integration/ffmpeg/anchored-guards.test.ts";
const STITCHES = "integration/ffmpeg/stitch-check.test.ts";

/** What is compared, decoded and refused when a segment is made. */
export const PROOF_MUTANTS: readonly TestedMutant[] = [
  {
    name: "drift-limit",
    without: "A compared frame must have 46 dB.",
    edits: [{ file: CHECK, from: "if (least < MIN_DRIFT_PSNR)", to: "if (least < 0)" }],
    caughtBy: BOUNDARY,
  },
  {
    name: "compared-frames",
    without: "Frames of the segment are compared with the source's.",
    edits: [{ file: DRIFT, from: "    least = Math.min(least, psnr(first, second, format));\n", to: "" }],
    caughtBy: BOUNDARY,
  },
  {
    name: "all-samples",
    without: "All samples of a frame are compared.",
    edits: [{ file: DRIFT, from: "at < first.length; at += 1", to: "at < first.length; at += 2" }],
    caughtBy: "unit/ffmpeg/h264-parameter-sets.test.ts",
  },
  {
    name: "last-shown",
    without: "The last copy that is shown is compared.",
    edits: [{ file: DRIFT, from: "new Set([Math.max(...copies), ", to: "new Set([" }],
    caughtBy: "unit/ffmpeg/h264-parameter-sets.test.ts",
  },
  {
    name: "count-of-compared",
    without: "All frames that were chosen must be compared.",
    edits: [
      { file: CHECK, from: "if (this.#compared?.frames !== ranks.length)", to: "if (this.#compared === undefined)" },
    ],
    caughtBy: GUARDS,
  },
  {
    name: "check-of-anchored",
    without: "An anchored head is compared with the source's frames.",
    edits: [
      {
        file: STITCH,
        from: "beginning && new DriftCheck(",
        to: "void beginning && new DriftCheck(",
      },
    ],
    caughtBy: BOUNDARY,
  },
  {
    name: "hashes-of-copies",
    without: "Slices of copies with changed headers are compared by CRC-32 with those that were written.",
    edits: [{ file: WRITER, from: " ?? anchored?.hashes.get(first + frame),", to: "," }],
    caughtBy: GUARDS,
  },
  {
    name: "hashes",
    without: "Copied slices are compared by CRC-32.",
    edits: [
      {
        file: "services/ffmpeg/proof/prove-segment.ts",
        from: "if (frame.hash !== undefined && frame.hash !== hash)",
        to: "if (frame.hash !== undefined && hash < 0)",
      },
    ],
    caughtBy: GUARDS,
  },
  {
    name: "count-of-anchors",
    without: "The encoder must return as many pictures as anchors.",
    edits: [{ file: RUN, from: "if (encoded.pictures.length !== anchors.length)", to: "if (anchors.length === 0)" }],
    caughtBy: GUARDS,
    outcome: "The segment is stitched: the count of encoded pictures is checked again when headers are rewritten.",
  },
  {
    name: "check-start",
    without: "Encoded frames aren't in front of a keyframe that isn't IDR.",
    edits: [
      {
        file: STITCHER,
        from: "    if (segment?.copied?.from === packet) this.#checkStart(segment, framed);\n",
        to: "",
      },
    ],
    caughtBy: "integration/ffmpeg/open-groups.test.ts",
  },
  {
    name: "sample-descriptions",
    without: "A video with several sample descriptions isn't anchored.",
    edits: [
      { file: STITCHER, from: "if (headers.configurations.length > 1)", to: "if (headers.configurations.length < 0)" },
    ],
    caughtBy: GUARDS,
  },
  {
    name: "hevc",
    without: "Only H.264 is anchored.",
    edits: [{ file: STITCHER, from: 'if (codec !== "h264" || !state.isOn)', to: "if (!state.isOn)" }],
    caughtBy: GUARDS,
  },
  {
    name: "stitch-check",
    without: "Encoded frames at a boundary are decoded.",
    edits: [
      { file: WRITER, from: '...(made === "stitched" ? {', to: '...(made === "stitched" && copied.length < 0 ? {' },
    ],
    caughtBy: STITCHES,
  },
  {
    name: "stitched-frames",
    without: "All encoded frames at a boundary must be decoded.",
    edits: [{ file: STITCH, from: "if (frames < least)", to: "if (frames < 0)" }],
    caughtBy: STITCHES,
  },
  {
    name: "stitched-messages",
    without: "The decoder may report nothing about encoded frames at a boundary.",
    edits: [{ file: STITCH, from: 'if (stderr !== "")', to: 'if (stderr === "\\n")' }],
    caughtBy: STITCHES,
  },
  {
    name: "stitched-failure",
    without: "A boundary is encoded where the decoder of its encoded frames fails.",
    edits: [
      {
        file: STITCH,
        from: "if (!isCausedByFile(error)) throw error;\n      throw new ProofError(`the encoded",
        to: 'if (isCausedByFile(error)) return { stderr: "" };\n      throw new ProofError(`the encoded',
      },
    ],
    caughtBy: STITCHES,
  },
  {
    name: "stitched-tail",
    without: "The encoded frames at the end of a segment are decoded.",
    edits: [{ file: STITCH, from: "    { from: tailFrom, to: tailFrom + tail, least: tail },\n", to: "" }],
    caughtBy: STITCHES,
  },
  {
    name: "encoded-idr",
    without: "An encoded run must begin with an IDR picture.",
    edits: [{ file: WRITER, from: "if (!isIdr(this.#options.source.codec, frame))", to: "if (frame.length === 0)" }],
    caughtBy: STITCHES,
  },
  {
    name: "one-configuration",
    without: "Head and tail of a segment must have the same decoder configuration.",
    edits: [
      { file: WRITER, from: "if (!unfinished.configuration.equals(configuration))", to: "if (frame.length === 0)" },
    ],
    caughtBy: STITCHES,
  },
];
