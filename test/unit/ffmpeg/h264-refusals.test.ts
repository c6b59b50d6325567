import { describe, expect, it } from "vitest";
import { BitWriter } from "../../../services/ffmpeg/formats/h264/bit-writer.ts";
import { writePictureParameterSet } from "../../../services/ffmpeg/formats/h264/picture-parameter-set.ts";
import { readPictures, type StreamSets, streamSets } from "../../../services/ffmpeg/formats/h264/pictures.ts";
import { orRefusal, type RefusalReason } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import { parseSliceHeader, type SliceHeader } from "../../../services/ffmpeg/formats/h264/slice-header.ts";
import { withSliceHeader } from "../../../services/ffmpeg/formats/h264/slice-header-writer.ts";
import { lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";
import { configurationOf, pictureSet, sequenceUnit, setsOf, sliceUnit } from "../../fixtures/synthetic-h264.ts";

/** Streams that are simulated wrongly if they aren't refused. */

const pictureUnit = (options: Parameters<typeof pictureSet>[0] = {}) =>
  writePictureParameterSet(pictureSet(options), false);

const SLICE_GROUPS = (() => {
  const writer = new BitWriter();
  // Ids, CAVLC, no bottom field order; two slice groups, interleaved, of one macroblock each.
  for (const value of [0, 0]) writer.ue(value);
  writer.u(2, 0);
  for (const value of [1, 0, 0, 0]) writer.ue(value);
  for (const value of [0, 0]) writer.ue(value);
  writer.u(3, 0);
  for (const value of [0, 0, 0]) writer.se(value);
  writer.u(3, 0);
  writer.trailing();
  return Buffer.concat([Buffer.from([0x68]), writer.bytes()]);
})();

describe("a configuration is refused for", () => {
  const refused: [string, RefusalReason, Buffer[], Buffer[]][] = [
    ["4:0:0", "profile", [sequenceUnit({ profile: 100, chromaFormat: 0 })], [pictureUnit()]],
    ["9 bits", "profile", [sequenceUnit({ profile: 110, bitDepths: [9, 9] })], [pictureUnit()]],
    ["other bits of chroma", "profile", [sequenceUnit({ profile: 110, bitDepths: [8, 10] })], [pictureUnit()]],
    ["lossless macroblocks", "profile", [sequenceUnit({ profile: 100, isLossless: true })], [pictureUnit()]],
    ["slice groups", "slice groups", [sequenceUnit()], [SLICE_GROUPS]],
    [
      "two sequence parameter sets",
      "changing parameter sets",
      [sequenceUnit(), sequenceUnit({ id: 1 })],
      [pictureUnit()],
    ],
    [
      "two picture parameter sets of one id",
      "changing parameter sets",
      [sequenceUnit()],
      [pictureUnit(), pictureUnit({ isCabac: false })],
    ],
    [
      "a picture parameter set of another sequence",
      "changing parameter sets",
      [sequenceUnit()],
      [pictureUnit({ sequenceId: 1 })],
    ],
  ];
  it.each(refused)("%s", (_, reason, sequences, pictures) => {
    expect(orRefusal(() => streamSets(configurationOf(sequences, pictures)))).toMatchObject({ reason });
  });
});

describe("a slice is refused for", () => {
  const sets = setsOf({}, { isCabac: false, hasRedundantPicCnt: true });

  /** A header up to the reference list modifications, and what `write` writes behind that. */
  function headerOf(
    first: number,
    { type = 0, redundant = 0 }: { type?: number; redundant?: number },
    write: (writer: BitWriter) => void = () => {},
  ): Buffer {
    const writer = new BitWriter();
    for (const value of [0, type, 0]) writer.ue(value);
    writer.u(4, 0);
    if ((first & 31) === 5) writer.ue(0);
    writer.u(6, 0);
    writer.ue(redundant);
    write(writer);
    // Quantiser and some data, or the rest of a header.
    writer.u(32, 0xffff_ffff);
    writer.trailing();
    return Buffer.concat([Buffer.from([first]), writer.bytes()]);
  }

  const [P, I, SP] = [0, 2, 3];
  const [REFERENCE, IDR, IDR_WITHOUT_REFERENCE] = [0x41, 0x65, 0x05];
  /** Default numbers of references, no list modification, and this operation with its operands. */
  const marking =
    (...codes: number[]) =>
    (writer: BitWriter) => {
      writer.u(3, 0b001);
      for (const code of [...codes, 0]) writer.ue(code);
    };
  const refused: [string, RefusalReason, Buffer][] = [
    ["its type SP", "switching slices", headerOf(REFERENCE, { type: SP })],
    ["its redundant picture", "redundant pictures", headerOf(REFERENCE, { redundant: 1 }, marking())],
    [
      "a list of long-term references",
      "long-term references",
      headerOf(REFERENCE, { type: P }, (writer) => {
        writer.u(2, 0b01);
        for (const code of [2, 0, 3]) writer.ue(code);
      }),
    ],
    ["marking a long-term reference", "long-term references", headerOf(REFERENCE, {}, marking(3, 0, 0))],
    ["unmarking a long-term reference", "long-term references", headerOf(REFERENCE, {}, marking(2, 0))],
    ["long-term references", "long-term references", headerOf(REFERENCE, {}, marking(4, 1))],
    ["unmarking all", "memory management reset", headerOf(REFERENCE, {}, marking(5))],
    [
      "an IDR picture that is a long-term reference",
      "long-term references",
      headerOf(IDR, { type: I }, (writer) => writer.u(2, 0b01)),
    ],
    ["an IDR picture of P slices", "malformed", headerOf(IDR, { type: P }, (writer) => writer.u(4, 0))],
    ["an IDR picture that is no reference", "malformed", headerOf(IDR_WITHOUT_REFERENCE, { type: I })],
  ];
  it.each(refused)("%s", (_, reason, unit) => {
    expect(orRefusal(() => parseSliceHeader(unit, sets))).toMatchObject({ reason });
  });

  it("nothing where it has none of that", () => {
    for (const unit of [headerOf(REFERENCE, {}, marking(1, 0)), headerOf(REFERENCE, {}, marking(4, 0))])
      expect(orRefusal(() => parseSliceHeader(unit, sets))).toMatchObject({ type: "P" });
    const unit = headerOf(IDR, { type: I }, (writer) => writer.u(2, 0));
    expect(orRefusal(() => parseSliceHeader(unit, sets))).toMatchObject({ isIdr: true });
  });

  it("missing data", () => {
    const plain = setsOf({}, { isCabac: false });
    const header = parseSliceHeader(sliceUnit({}, plain), plain);
    const writer = new BitWriter();
    writer.copy(sliceUnit({}, plain).subarray(1), 0, header.bits);
    writer.trailing();
    const unit = Buffer.concat([Buffer.from([REFERENCE]), writer.bytes()]);
    const target = { sequence: plain.sequence, picture: plain.pictures.get(0)! };
    expect(orRefusal(() => withSliceHeader(unit, header, header, target))).toMatchObject({ reason: "malformed" });
  });
});

describe("a group is refused for", () => {
  const sets = setsOf();
  const slice = (options: Partial<SliceHeader>, own: StreamSets = sets) => sliceUnit(options, own);
  const idr = slice({ isIdr: true, type: "I" });
  const second = slice({ frameNum: 1, picOrderCntLsb: 2 });
  const half = { frameNum: 1, picOrderCntLsb: 2, firstMb: 30 };
  const third = slice({ frameNum: 2, picOrderCntLsb: 4 });

  const refused: [string, RefusalReason, Buffer[][]][] = [
    ["a missing picture", "gap in frame numbers", [[idr], [third]]],
    ["a picture that comes twice", "gap in frame numbers", [[idr], [second], [second]]],
    ["its first picture", "no IDR picture", [[slice({ type: "I" })], [second]]],
    ["its second IDR picture", "no IDR picture", [[idr], [idr]]],
    ["frame_num of its IDR picture", "malformed", [[slice({ isIdr: true, type: "I", frameNum: 3 })]]],
    ["a missing first slice", "slice order", [[idr], [slice(half)]]],
    ["slices in another order", "slice order", [[idr], [second, slice({ ...half, firstMb: 40 }), slice(half)]]],
    ["slices of different pictures", "malformed", [[idr], [second, slice({ ...half, picOrderCntLsb: 4 })]]],
    ["slices with different marking", "malformed", [[idr], [second, slice({ ...half, unmarkings: [] })]]],
    ["a data partition", "data partitions", [[idr], [second, Buffer.from([0x42, ...slice(half).subarray(1)])]]],
    ["a unit of another layer", "layers", [[idr, Buffer.from([0x74, ...slice(half).subarray(1)])]]],
    ["another sequence parameter set", "changing parameter sets", [[sequenceUnit({ width: 12 }), idr]]],
    ["another picture parameter set", "changing parameter sets", [[pictureUnit({ weightedPred: true }), idr]]],
    ["a packet without a slice", "malformed", [[idr], [pictureUnit()]]],
  ];
  it.each(refused)("%s", (_, reason, packets) => {
    expect(orRefusal(() => readPictures(packets.map(lengthPrefixed), sets))).toMatchObject({ reason });
  });

  it("nothing where it has none of that", () => {
    const packets = [[sequenceUnit(), pictureUnit(), idr], [second, slice(half)], [third]];
    expect(readPictures(packets.map(lengthPrefixed), sets)).toHaveLength(3);
  });
});
