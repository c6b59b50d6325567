import type { TestedMutant } from "../tested-mutant.ts";

const REWRITING = "services/ffmpeg/exact/anchored/rewrite-group.ts";
const SETS = "services/ffmpeg/exact/anchored/encoded-picture-set.ts";
const WRITER = "services/ffmpeg/formats/h264/slice-header-writer.ts";
const SEQUENCE = "services/ffmpeg/formats/h264/sequence-parameter-set.ts";

/** What is written into headers. */
export const REWRITING_MUTANTS: readonly TestedMutant[] = [
  {
    name: "frame-num-offset",
    without: "frame_num of copies continues that of the anchors.",
    edits: [{ file: REWRITING, from: "??= frameNum - this.#model.previousFrameNum - 1;", to: "??= 0;" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds a gap in frame_num.",
  },
  {
    name: "order-offset",
    without: "Picture order counts begin at 0.",
    edits: [
      {
        file: REWRITING,
        from: "this.#poc = group[plan.anchors[0]!]!.picOrderCnt;",
        to: "this.#poc = 0;",
      },
    ],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds another picture order count.",
  },
  {
    name: "order-of-slices",
    without: "The picture order count of a copy's slices is that of the new group.",
    edits: [{ file: REWRITING, from: "modulo(picOrderCntLsb - this.#poc, maxPicOrderCntLsb)", to: "picOrderCntLsb" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds another picture order count.",
  },
  {
    name: "unmarked-anchors",
    without: "An anchor unmarks those before it that no copy needs.",
    edits: [
      {
        file: REWRITING,
        from: "this.#model.references.filter((one) => this.#needed.has(one.picture));",
        to: "this.#model.references;",
      },
    ],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds too many references.",
  },
  {
    name: "unmarked-by-copies",
    without: "A copy unmarks the anchors that the source's decoder doesn't keep.",
    edits: [
      {
        file: REWRITING,
        from: "this.#marked({ ...first, frameNum }, picture, this.#stillMarked(source));",
        to: "{ unmarkings: first.unmarkings, noOutputOfPriorPics: false };",
      },
    ],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds an operation on a missing picture.",
  },
  {
    name: "list-modifications",
    without: "A copy states its lists where a decoder would derive others.",
    edits: [{ file: REWRITING, from: "if (isSame || wanted.length === 0)", to: "if (isSame || wanted.length >= 0)" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds a list with a missing picture.",
  },
  {
    name: "read-back-lists",
    without: "The lists that a decoder reads from rewritten headers are compared with the source's.",
    edits: [{ file: REWRITING, from: "if (!beginsAs(state.lists[at]!, lists))", to: "if (lists.length > 2)" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "read-back-order",
    without: "The picture order count that a decoder reads from rewritten headers is compared with the source's.",
    edits: [{ file: REWRITING, from: "    this.#checkOrder(picture, state.picOrderCnt, source);\n", to: "" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "count-of-encoded",
    without: "There must be as many encoded pictures as anchors when headers are rewritten.",
    edits: [{ file: REWRITING, from: "if (encoded.length !== pictures.length)", to: "if (pictures.length === 0)" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "b-with-order-2",
    without: "B pictures whose order follows from frame_num are refused.",
    edits: [{ file: REWRITING, from: "if (hasB && sets", to: "if (!hasB && hasB && sets" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "flat-scaling",
    without: "The anchors' picture parameter set has flat scaling lists where the source has scaling matrices.",
    edits: [{ file: REWRITING, from: "sets.sequence.hasScalingMatrix && isHighProfile(sets.sequence)", to: "false" }],
    caughtBy: "integration/ffmpeg/anchored-guards.test.ts",
    outcome: "The segment is stitched: a copied frame has 16 dB.",
  },
  {
    name: "free-set-id",
    without: "The anchors' picture parameter set has an id that the source doesn't use.",
    edits: [{ file: SETS, from: "find((one) => !used.includes(one))!", to: "find((one) => one >= 0)!" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: its read-back finds malformed headers.",
  },
  {
    name: "same-format",
    without: "Anchors must have the source's coded size and sample format.",
    edits: [{ file: SETS, from: " || !isSameFormat", to: "" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "profile-of-anchors",
    without: "Anchors must not use tools that the source's profile lacks.",
    edits: [{ file: SETS, from: "if (isExtended && !isHighProfile(sequence))", to: "if (!isExtended && isExtended)" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "sequence-id-of-anchors",
    without: "The anchors' picture parameter set names the source's sequence parameter set.",
    edits: [{ file: SETS, from: ", sequenceId: sequence.id", to: "" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "bottom-field-order",
    without: "The anchors' picture parameter set has the source's flag of bottom field order.",
    edits: [{ file: SETS, from: ", hasBottomFieldOrder: source.hasBottomFieldOrder", to: "" }],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "cabac-alignment",
    without: "CABAC's slice data begins at a byte.",
    edits: [
      { file: WRITER, from: "if (!target.picture.isCabac) {", to: "if (!target.picture.isCabac || header.bits > 0) {" },
    ],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
    outcome: "The segment is stitched: the decoder reports errors.",
  },
  {
    name: "cabac-alignment-bits",
    without: "CABAC's alignment bits are ones.",
    edits: [{ file: WRITER, from: "writer.align(1);", to: "writer.align(0);" }],
    caughtBy: "integration/ffmpeg/h264-headers.test.ts",
  },
  {
    name: "cavlc-bits",
    without: "CAVLC's slice data is moved by bits.",
    edits: [{ file: WRITER, from: "if (!target.picture.isCabac) {", to: "if (header.bits < 0) {" }],
    caughtBy: "integration/ffmpeg/h264-headers.test.ts",
  },
  {
    name: "emulation-prevention",
    without: "Emulation prevention bytes are added to rewritten slices.",
    edits: [
      {
        file: WRITER,
        from: "escaped(Buffer.concat([writer.bytes(), data]))",
        to: "Buffer.concat([writer.bytes(), data])",
      },
    ],
    caughtBy: "unit/ffmpeg/rewrite-group.test.ts",
  },
  {
    name: "slice-without-data",
    without: "A slice without data is refused.",
    edits: [{ file: WRITER, from: "if (content <= original.bits)", to: "if (content < 0)" }],
    caughtBy: "unit/ffmpeg/h264-refusals.test.ts",
  },
  {
    name: "own-restriction",
    without: "A bitstream_restriction of the source is kept.",
    edits: [{ file: SEQUENCE, from: "if (restriction !== undefined) return unit;", to: "" }],
    caughtBy: "unit/ffmpeg/h264-parameter-sets.test.ts",
  },
];
