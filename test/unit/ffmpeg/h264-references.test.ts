import { describe, expect, it } from "vitest";
import {
  markedReferences,
  modificationsFor,
  type Reference,
  referenceLists,
} from "../../../services/ffmpeg/formats/h264/reference-pictures.ts";
import { H264Refusal, orRefusal } from "../../../services/ffmpeg/formats/h264/refusal.ts";

/** Each case follows the text of ITU-T H.264, sections 8.2.4 and 8.2.5. */

const reference = (picture: number, frameNum: number, picOrderCnt: number): Reference => ({
  picture,
  frameNum,
  picOrderCnt,
});
const NONE = [undefined, undefined] as const;

describe("the lists of a slice", () => {
  const decoded = [reference(0, 0, 0), reference(1, 1, 16), reference(2, 2, 8)];

  it("of type P begin with the latest frame_num", () => {
    const header = { type: "P", frameNum: 3, active: [3, 0], modifications: NONE } as const;
    expect(referenceLists(header, 24, decoded, 16)).toEqual([[2, 1, 0], []]);
  });

  it("of type P count a frame_num above the slice's own from below zero", () => {
    const wrapped = [reference(7, 15, 0), reference(8, 0, 2), reference(6, 14, 4)];
    const header = { type: "P", frameNum: 1, active: [3, 0], modifications: NONE } as const;
    expect(referenceLists(header, 6, wrapped, 16)[0]).toEqual([8, 7, 6]);
  });

  it("of type B begin with the pictures shown before, and after", () => {
    const header = { type: "B", frameNum: 3, active: [3, 3], modifications: NONE } as const;
    expect(referenceLists(header, 12, decoded, 16)).toEqual([
      [2, 0, 1],
      [1, 2, 0],
    ]);
  });

  it("of type B differ where both would be the same", () => {
    const header = { type: "B", frameNum: 3, active: [2, 2], modifications: NONE } as const;
    expect(referenceLists(header, 24, decoded, 16)).toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  it("lack entries where there are fewer pictures", () => {
    const header = { type: "P", frameNum: 3, active: [5, 0], modifications: NONE } as const;
    expect(referenceLists(header, 24, decoded, 16)[0]).toEqual([2, 1, 0, undefined, undefined]);
  });

  it("are modified by differences of frame_num, and may name a picture twice", () => {
    const modifications = [
      [
        { idc: 0, absDiffPicNumMinus1: 2 },
        { idc: 1, absDiffPicNumMinus1: 15 },
      ],
      undefined,
    ] as const;
    const header = { type: "P", frameNum: 3, active: [3, 0], modifications } as const;
    expect(referenceLists(header, 24, decoded, 16)[0]).toEqual([0, 0, 2]);
  });

  it("are refused where a modification names no reference", () => {
    const modifications = [[{ idc: 0, absDiffPicNumMinus1: 7 }], undefined] as const;
    const header = { type: "P", frameNum: 3, active: [3, 0], modifications } as const;
    expect(() => referenceLists(header, 24, decoded, 16)).toThrow(H264Refusal);
  });

  it.each([[[2, 1, 0]], [[0, 0, 1]], [[1, 2, 1]]])("can be made %j by modifications", (pictures) => {
    const modifications = [modificationsFor(pictures, 3, decoded, 16), undefined] as const;
    const header = { type: "P", frameNum: 3, active: [3, 0], modifications } as const;
    expect(referenceLists(header, 24, decoded, 16)[0]).toEqual(pictures);
  });
});

describe("marking", () => {
  const sequence = { maxNumRefFrames: 3, maxFrameNum: 16 };
  const decoded = [reference(0, 15, 0), reference(1, 0, 8), reference(2, 1, 4)];
  const header = { nalRefIdc: 2, isIdr: false, frameNum: 2, unmarkings: undefined };
  const own = reference(3, 2, 12);
  const pictures = (references: readonly Reference[]) => references.map(({ picture }) => picture);

  it("drops the picture with the smallest frame_num when there are max_num_ref_frames", () => {
    expect(pictures(markedReferences(header, own, decoded, sequence))).toEqual([1, 2, 3]);
  });

  it("drops what an operation names, and nothing else", () => {
    const unmarkings = [{ differenceOfPicNumsMinus1: 0 }];
    expect(pictures(markedReferences({ ...header, unmarkings }, own, decoded, sequence))).toEqual([0, 1, 3]);
  });

  it("changes nothing for a picture that is no reference", () => {
    expect(pictures(markedReferences({ ...header, nalRefIdc: 0 }, own, decoded, sequence))).toEqual([0, 1, 2]);
  });

  const unknown = [{ differenceOfPicNumsMinus1: 9 }];
  it.each([
    ["an operation names no reference", "missing reference", { ...header, unmarkings: unknown }, decoded],
    ["there are too many references", "reference buffer", { ...header, unmarkings: [] }, decoded],
    [
      "frame_num comes back while its picture is kept",
      "reference buffer",
      { ...header, frameNum: 0 },
      decoded.slice(0, 2),
    ],
  ])("is refused where %s", (_, reason, marking, references) => {
    const picture = { ...own, frameNum: marking.frameNum };
    expect(orRefusal(() => markedReferences(marking, picture, references, sequence))).toMatchObject({ reason });
  });
});
