import type { TestedMutant } from "../tested-mutant.ts";

const PLAN = "services/ffmpeg/exact/anchored/anchor-plan.ts";
const HEADS = "services/ffmpeg/exact/anchored/anchored-heads.ts";
const GATHERED = "services/ffmpeg/exact/anchored/gathered-group.ts";
const STATE = "services/ffmpeg/exact/anchored/anchoring-state.ts";
const QUEUE = "services/ffmpeg/exact/boundary-job-queue.ts";

/** Which frames are encoded, and which boundaries aren't anchored. */
export const PLAN_MUTANTS: readonly TestedMutant[] = [
  {
    name: "colocated",
    without: "A picture whose colocated picture is an anchor is encoded, too (direct prediction).",
    edits: [{ file: PLAN, from: "  from = behindColocated(group, from);\n", to: "" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
    outcome: "The segment is stitched: a copied frame has 39 dB.",
  },
  {
    name: "colocated-again",
    without: "The colocated rule is applied again to the pictures that it adds.",
    edits: [{ file: PLAN, from: "if (next === start) return start;", to: "return next;" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "named-pictures",
    without: "A picture that refers to one in front of the boundary isn't copied.",
    edits: [{ file: PLAN, from: " || namedBy(picture).some((named) => !isKept(named))", to: "" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "display-order",
    without: "Picture order counts must be in the order of the container's times.",
    edits: [{ file: PLAN, from: "  checkDisplayOrder(group);\n", to: "" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "anchors-in-order",
    without: "Anchors are encoded in presentation order.",
    edits: [{ file: PLAN, from: "\n    .sort((one, other) => group[one]!.rank - group[other]!.rank);", to: ";" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "references-to-the-end",
    without: "A boundary without a picture to copy is refused.",
    edits: [{ file: PLAN, from: "if (from >= group.length)", to: "if (from > group.length)" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "as-many-frames",
    without: "A boundary where a third of the frames would be encoded is refused.",
    edits: [{ file: PLAN, from: "if (encoded * MIN_FRAMES_RATIO > frames)", to: "if (encoded > frames)" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "refresh",
    without: "Long chains of P pictures are refreshed.",
    edits: [{ file: PLAN, from: "  return runs;\n", to: "  return [];\n" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "refresh-of-references",
    without: "Only consecutive reference pictures are refreshed.",
    edits: [{ file: PLAN, from: "if (isSimple) runs.push(run);", to: "void isSimple, runs.push(run);" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "refresh-without-b",
    without: "Groups with B pictures aren't refreshed.",
    edits: [{ file: PLAN, from: 'header.type === "B")', to: "header.nalRefIdc > 3)" }],
    caughtBy: "unit/ffmpeg/anchor-plan.test.ts",
  },
  {
    name: "next-is-idr",
    without: "The keyframe behind the group must be an IDR picture.",
    edits: [{ file: HEADS, from: 'if (!isIdr("h264", next))', to: 'if (next.length === 0 && !isIdr("h264", next))' }],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "whole-head",
    without: "The group must end where the head does.",
    edits: [
      {
        file: HEADS,
        from: "if (plan.anchors.length + plan.copies.length !== head.to - head.from)",
        to: "if (head.to < head.from)",
      },
    ],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "encoded-in-order",
    without: "Anchors and refreshed pictures must be in presentation order.",
    edits: [
      {
        file: HEADS,
        from: "if (anchors.some((rank, at) => at > 0 && rank <= anchors[at - 1]!))",
        to: "if (anchors.length === 0)",
      },
    ],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "restriction",
    without: "The sequence parameter set gets a bitstream_restriction where it has none.",
    edits: [{ file: HEADS, from: "[withRestriction(sequenceUnit, sequence, restriction)]", to: "[sequenceUnit]" }],
    caughtBy: "integration/ffmpeg/anchored-guards.test.ts",
    outcome: "Nothing that ffmpeg 5.1 shows, for the test's segment.",
  },
  {
    name: "timing-messages",
    without: "Messages about decoding times are left out of copies.",
    edits: [
      {
        file: HEADS,
        from: 'withoutTiming("h264", pictures[picture]!.others)',
        to: "pictures[picture]!.others",
      },
    ],
    caughtBy: "integration/ffmpeg/anchored-guards.test.ts",
  },
  {
    name: "tail-set-id",
    without: "The anchors' picture parameter set doesn't take the id that encoded tails use.",
    edits: [{ file: HEADS, from: "usedPictureSetIds: [OTHER_PICTURE_SET_ID]", to: "usedPictureSetIds: []" }],
    caughtBy: "integration/ffmpeg/anchored-guards.test.ts",
    outcome: "The segment is stitched: 18 of 26 frames can be decoded.",
  },
  {
    name: "one-slice",
    without: "An encoded picture must have one slice.",
    edits: [{ file: HEADS, from: "if (unit === undefined || units.length > 1)", to: "if (unit === undefined)" }],
    caughtBy: "integration/ffmpeg/anchored-guards.test.ts",
    outcome: "The segment is stitched: a copied frame has 13 dB.",
  },
  {
    name: "long-groups",
    without: "A group of more than 3,000 packets isn't anchored.",
    edits: [{ file: GATHERED, from: "if (length > MAX_GATHERED_PACKETS)", to: "if (length > Infinity)" }],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "large-groups",
    without: "Groups of more than 24 MB aren't gathered.",
    edits: [
      {
        file: QUEUE,
        from: "bytes() > MAX_GATHERED_BYTES)",
        to: "bytes() > 2 ** 10 * MAX_GATHERED_BYTES)",
      },
    ],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "failed-segment",
    without: "A segment that was anchored and failed is stitched.",
    edits: [
      {
        file: "services/ffmpeg/exact/cut-with-fallbacks.ts",
        from: "if (mayBeStitched && ways.withFewerAnchors(next)) {",
        to: "if (next > last && ways.withFewerAnchors(next)) {",
      },
    ],
    caughtBy: "integration/ffmpeg/anchored-boundary.test.ts",
  },
  {
    name: "segment-behind",
    without: "The segment behind one that failed twice isn't anchored: its head is made with the failed one's tail.",
    edits: [{ file: STATE, from: "heads.find((head)", to: "[segment].find((head)" }],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "failed-head",
    without: "A head that can't be made is encoded, and that of the segment before stays anchored.",
    edits: [{ file: STATE, from: "if (known.length > 0) return true;", to: "" }],
    caughtBy: "unit/ffmpeg/anchored-heads.test.ts",
  },
  {
    name: "threads-of-tails",
    without: "A tail is encoded by one thread whether or not the next segment's head is anchored beside it.",
    edits: [
      {
        file: QUEUE,
        from: "isCandidate ? withOneThread(this.#options.encoder) : this.#options.encoder",
        to: "candidate ? withOneThread(this.#options.encoder) : this.#options.encoder",
      },
    ],
    caughtBy: "integration/ffmpeg/anchored-boundary.test.ts",
  },
  {
    name: "all-pictures",
    without: "All pictures are decoded for anchors where the stream doesn't say how far they are reordered.",
    edits: [{ file: HEADS, from: "if (this.#sets.sequence.restriction === undefined) return true;", to: "" }],
    caughtBy: "integration/ffmpeg/anchored-guards.test.ts",
    outcome: "The encoder returns a frame too late, so that the segment is stitched.",
  },
  {
    name: "reference-pictures",
    without: "Pictures that others refer to are decoded for anchors.",
    edits: [
      {
        file: HEADS,
        from: "return isEncoded || pictures[picture]!.slices[0]!.header.nalRefIdc > 0;",
        to: "return isEncoded;",
      },
    ],
    caughtBy: "integration/ffmpeg/anchored-boundary.test.ts",
  },
];
