import { beforeAll, describe, expect, it } from "vitest";
import { encodedPictures, planAnchors } from "../../../services/ffmpeg/exact/anchored/anchor-plan.ts";
import { encodedPictureSet } from "../../../services/ffmpeg/exact/anchored/encoded-picture-set.ts";
import { type GroupRewriting, rewriteGroup } from "../../../services/ffmpeg/exact/anchored/rewrite-group.ts";
import { DecoderModel } from "../../../services/ffmpeg/formats/h264/decoder-model.ts";
import { parsePictureParameterSet } from "../../../services/ffmpeg/formats/h264/picture-parameter-set.ts";
import {
  type Picture,
  readPictures,
  type Slice,
  type StreamSets,
} from "../../../services/ffmpeg/formats/h264/pictures.ts";
import { orRefusal } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import { parseSliceHeader, type SliceHeader } from "../../../services/ffmpeg/formats/h264/slice-header.ts";
import { unescaped } from "../../../services/ffmpeg/formats/nal/bits.ts";
import { lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";
import { type SequenceOptions, SLICE_DATA, setsOf, sliceUnit } from "../../fixtures/synthetic-h264.ts";

const MAX_FRAME_NUM = 16;
const MAX_LSB = 64;

/** A picture: when it's shown, and its slice. `frameNum` follows from the order. */
type Sketch = { rank: number; header: Partial<SliceHeader> };

const isReference = ({ header }: Sketch): boolean => header.nalRefIdc !== 0;

/** Packets of one group. */
function packetsOf(sketches: readonly Sketch[], sets: StreamSets): Buffer[] {
  let frameNum = 0;
  return sketches.map(({ rank, header }, at) => {
    if (at > 0 && isReference(sketches[at - 1]!)) frameNum = (frameNum + 1) % MAX_FRAME_NUM;
    const picOrderCntLsb = (2 * rank) % MAX_LSB;
    return lengthPrefixed([sliceUnit({ isIdr: at === 0, frameNum, picOrderCntLsb, ...header }, sets)]);
  });
}

/** Names the reference before the last one: the P picture behind a B picture. */
const SECOND_LAST = [[{ idc: 0, absDiffPicNumMinus1: 1 }], undefined] as const;

/** In decode order I0 P4 B2 b1 b3 P8 B6 b5 b7 …: P names the P before, and B both around it. */
function pyramid(groups: number): Sketch[] {
  const sketches: Sketch[] = [{ rank: 0, header: { type: "I" } }];
  for (let group = 0; group < groups; group += 1) {
    const modifications = group === 0 ? ([undefined, undefined] as const) : SECOND_LAST;
    sketches.push({ rank: 4 * group + 4, header: { type: "P", modifications } });
    sketches.push({ rank: 4 * group + 2, header: { type: "B" } });
    for (const offset of [1, 3]) sketches.push({ rank: 4 * group + offset, header: { type: "B", nalRefIdc: 0 } });
  }
  return sketches;
}

const chain = (count: number): Sketch[] =>
  Array.from({ length: count }, (_, rank) => ({ rank, header: { type: rank === 0 ? "I" : "P" } }));

type GroupOptions = {
  sketches: readonly Sketch[];
  boundary: number;
  sets: StreamSets;
  encodedSets?: StreamSets;
};

/** A group whose anchors another encoder has made. */
function groupOf({ sketches, boundary, sets, encodedSets = setsOf({ orderType: 2 }) }: GroupOptions): GroupRewriting {
  const group = readPictures(packetsOf(sketches, sets), sets);
  const ranked = group.map((picture, at) => ({ picture, rank: sketches[at]!.rank }));
  const plan = planAnchors(ranked, boundary, sets.sequence.maxNumRefFrames);
  const starts = [plan.anchors[0], ...plan.refreshed.map(([first]) => first)];
  let frameNum = 0;
  const encoded = encodedPictures(plan).map((picture): Slice => {
    const isIdr = starts.includes(picture);
    frameNum = isIdr ? 0 : frameNum + 1;
    const unit = sliceUnit({ isIdr, type: isIdr ? "I" : "P", frameNum }, encodedSets);
    return { unit, header: parseSliceHeader(unit, encodedSets) };
  });
  return { group, sets, plan, encoded, encodedSets, usedPictureSetIds: [31] };
}

/** What a decoder reads from the new group. */
function decodedFrom(rewriting: GroupRewriting) {
  const { pictures, pictureSet } = rewriteGroup(rewriting);
  const { sequence } = rewriting.sets;
  const own = parsePictureParameterSet(pictureSet.unit);
  const sets = { sequence, pictures: new Map(rewriting.sets.pictures).set(own.id, own) };
  const model = new DecoderModel(sequence);
  return pictures.map(({ picture, isEncoded, slices }) => {
    const headers = slices.map((unit) => parseSliceHeader(unit, sets));
    return { picture, isEncoded, headers, slices, state: model.decode(picture, headers) };
  });
}

const picturesOf = (references: Picture["references"]): number[] => references.map(({ picture }) => picture).sort();

const SOURCES: [string, GroupOptions][] = [
  ["B pictures, CABAC", { sketches: pyramid(20), boundary: 5, sets: setsOf() }],
  ["B pictures, CAVLC", { sketches: pyramid(20), boundary: 41, sets: setsOf({}, { isCabac: false }) }],
  ["P pictures", { sketches: chain(120), boundary: 7, sets: setsOf({ maxNumRefFrames: 1 }) }],
  [
    "P pictures, order by frame_num",
    { sketches: chain(60), boundary: 20, sets: setsOf({ maxNumRefFrames: 2, orderType: 2 }) },
  ],
];

describe.each(SOURCES)("the new group of a stream with %s", (_, options) => {
  const rewriting = groupOf(options);
  const { group, plan } = rewriting;
  const first = group[plan.anchors[0]!]!;
  let decoded: ReturnType<typeof decodedFrom>;
  beforeAll(() => {
    decoded = decodedFrom(rewriting);
  });

  it("begins with an IDR picture, whose numbers are 0", () => {
    expect(decoded[0]!.headers[0]).toMatchObject({ isIdr: true, frameNum: 0, picOrderCntLsb: 0 });
    expect(decoded.slice(1).some(({ headers }) => headers[0]!.isIdr)).toBe(false);
  });

  it("has the source's order and lists", () => {
    const isByLsb = rewriting.sets.sequence.picOrderCntType === 0;
    for (const { picture, isEncoded, state } of decoded) {
      const source = group[picture]!;
      if (isByLsb) expect(state.picOrderCnt).toBe(source.picOrderCnt - first.picOrderCnt);
      if (!isEncoded) expect(state.lists).toEqual(source.lists);
    }
  });

  it("keeps the references that the source's decoder keeps", () => {
    const kept = new Set(decoded.map(({ picture }) => picture));
    const isKept = (picture: number): boolean => kept.has(picture);
    for (const { picture, isEncoded, state } of decoded.slice(plan.anchors.length)) {
      const source = group[picture]!;
      if (!isEncoded) expect(picturesOf(state.references)).toEqual(picturesOf(source.references).filter(isKept));
      expect(picturesOf(state.marked)).toEqual(picturesOf(source.marked).filter(isKept));
    }
  });

  it("has the slice data of the source and of the encoder", () => {
    for (const { picture, slices, headers } of decoded) {
      const rbsp = unescaped(slices[0]!.subarray(1));
      const { pictureSetId, bits } = headers[0]!;
      const isCabac = rewriting.sets.pictures.get(pictureSetId)?.isCabac ?? true;
      const begin = isCabac ? Math.ceil(bits / 8) * 8 : bits;
      const all = [...rbsp].map((byte) => byte.toString(2).padStart(8, "0")).join("");
      const data = [...SLICE_DATA].map((byte) => byte.toString(2).padStart(8, "0")).join("");
      // With CAVLC, zeros fill the last byte.
      expect(all.slice(begin).replace(/0*$/, ""), `picture ${picture}`).toBe(data.replace(/0*$/, ""));
      if (isCabac) expect(all.slice(bits, begin)).toMatch(/^1*$/);
      expect(slices[0]!.includes(Buffer.from([0, 0, 1]))).toBe(false);
    }
  });
});

it("refreshed pictures have the places of those that they replace", () => {
  const rewriting = groupOf({ sketches: chain(120), boundary: 7, sets: setsOf({ maxNumRefFrames: 2 }) });
  expect(rewriting.plan.refreshed).toEqual([[88, 89]]);
  const decoded = decodedFrom(rewriting);
  expect(decoded.filter(({ isEncoded }) => isEncoded).map(({ picture }) => picture)).toEqual([7, 88, 89]);
  expect(decoded.map(({ picture }) => picture)).toEqual(Array.from({ length: 113 }, (_, at) => 7 + at));
  expect(decoded.find(({ picture }) => picture === 88)!.headers[0]).toMatchObject({ isIdr: false, type: "I" });
});

describe("rewriting is refused where", () => {
  const rewriting = groupOf({ sketches: pyramid(20), boundary: 5, sets: setsOf() });
  const last = rewriting.plan.copies.at(-1)!;
  const withLast = (change: Partial<Picture>): GroupRewriting => ({
    ...rewriting,
    group: rewriting.group.map((picture, at) => (at === last ? { ...picture, ...change } : picture)),
  });

  it("a decoder would read other lists than the source's", () => {
    const [[list0 = [], list1 = []] = []] = rewriting.group[last]!.lists;
    const lists = [[[...list0], [undefined, ...list1]]] as const;
    expect(orRefusal(() => rewriteGroup(withLast({ lists })))).toMatchObject({
      reason: "rewrite differs",
      message: expect.stringContaining("refers to other pictures"),
    });
  });

  it("a decoder would read another picture order count than the source's", () => {
    const picOrderCnt = rewriting.group[last]!.picOrderCnt + MAX_LSB;
    expect(orRefusal(() => rewriteGroup(withLast({ picOrderCnt })))).toMatchObject({
      reason: "rewrite differs",
      message: expect.stringContaining("another picture order count"),
    });
  });

  it("the encoder made another number of pictures", () => {
    const encoded = rewriting.encoded.slice(1);
    expect(orRefusal(() => rewriteGroup({ ...rewriting, encoded }))).toMatchObject({ reason: "rewrite differs" });
  });

  it("the order of B pictures follows from frame_num", () => {
    const sketches = chain(60).map(({ rank, header }) =>
      rank % 3 === 2 ? { rank, header: { type: "B", nalRefIdc: 0 } as const } : { rank, header },
    );
    const sets = setsOf({ orderType: 2 });
    expect(orRefusal(() => rewriteGroup(groupOf({ sketches, boundary: 6, sets })))).toMatchObject({
      reason: "picture order count type",
    });
  });
});

describe("the parameter set of anchors", () => {
  const setFor = (sets: StreamSets, encodedSets = setsOf({ orderType: 2 })) => {
    const unit = sliceUnit({ isIdr: true, type: "I" }, encodedSets);
    const encoded = [{ unit, header: parseSliceHeader(unit, encodedSets) }];
    return orRefusal(() => encodedPictureSet({ sets, encoded, encodedSets, usedPictureSetIds: [31] }, 0));
  };
  const setsWithIds = (...ids: number[]) => setsOf({}, ...ids.map((id) => ({ id })));

  it("has an id that neither the source nor the other encoded pictures use", () => {
    expect(setFor(setsWithIds(0, 1, 3))).toMatchObject({ id: 2 });
    expect(setFor(setsWithIds(...Array.from({ length: 31 }, (_, id) => id)))).toMatchObject({ id: 32 });
  });

  it("names the source's sequence parameter set, and has its bottom field order", () => {
    const sets = setsOf({ id: 5 }, { sequenceId: 5, hasBottomFieldOrder: true });
    expect(setFor(sets)).toMatchObject({ sequenceId: 5, hasBottomFieldOrder: true });
  });

  it("has flat scaling lists where the source has scaling matrices", () => {
    const isFlat = (hasScalingMatrix: boolean) => {
      const sets = setsOf({ profile: 100, hasScalingMatrix });
      const { pictureSet } = rewriteGroup(groupOf({ sketches: pyramid(20), boundary: 5, sets }));
      return parsePictureParameterSet(pictureSet.unit).hasScalingMatrix;
    };
    expect([false, true].map(isFlat)).toEqual([false, true]);
  });

  it.each<[string, SequenceOptions]>([
    ["size", { width: 11 }],
    ["bit depth", { profile: 110, bitDepths: [10, 10] }],
    ["chroma format", { profile: 122, chromaFormat: 2 }],
  ])("is refused where the encoder's pictures have another %s", (_, sequence) => {
    expect(setFor(setsOf(sequence))).toMatchObject({ reason: "rewrite differs" });
  });

  it("is refused where the encoder uses tools that the source's profile lacks", () => {
    const high = setsOf({ profile: 100, orderType: 2 }, { transform8x8Mode: true });
    expect(setFor(setsOf(), high)).toMatchObject({ reason: "profile" });
    expect(setFor(setsOf({ profile: 100 }), high)).toMatchObject({ transform8x8Mode: true });
  });
});
