import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planAnchors } from "../../../services/ffmpeg/exact/anchored/anchor-plan.ts";
import { readPictures, type StreamSets, streamSets } from "../../../services/ffmpeg/formats/h264/pictures.ts";
import { H264Refusal, orRefusal } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import { parseSliceHeader, type SliceHeader } from "../../../services/ffmpeg/formats/h264/slice-header.ts";
import { withSliceHeader } from "../../../services/ffmpeg/formats/h264/slice-header-writer.ts";
import { isIdr, isSlice, lengthFramed, lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";
import { type H264Trait, h264Traits, makeH264, readH264, tracedSlices } from "../../fixtures/h264-streams.ts";
import { randomFrom } from "../../fixtures/random.ts";

/** Our reading of H.264 headers, compared with ffmpeg's. */

type Stream = { path: string; sets: StreamSets; packets: Buffer[]; times: number[] };

let folder: string;
const streams = new Map<H264Trait, Promise<Stream>>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "video-split-h264-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function makeStream(trait: H264Trait): Promise<Stream> {
  const extension = trait.startsWith("HRD") ? "ts" : "mp4";
  const path = await makeH264(join(folder, `${h264Traits.indexOf(trait)}.${extension}`), trait);
  const { configuration, packets } = await readH264(path);
  const [data, times] = [packets.map((packet) => packet.data), packets.map((packet) => packet.time)];
  return { path, sets: streamSets(configuration), packets: data, times };
}

function streamOf(trait: H264Trait): Promise<Stream> {
  const known = streams.get(trait) ?? makeStream(trait);
  streams.set(trait, known);
  return known;
}

const slicesOf = (packet: Buffer): Buffer[] => lengthFramed(packet)!.filter((unit) => isSlice("h264", unit));

/** Names of the standard, and what we read for them. Undefined: the header has no such element. */
const ELEMENTS: Readonly<Record<string, (header: SliceHeader) => number | boolean | undefined>> = {
  nal_ref_idc: ({ nalRefIdc }) => nalRefIdc,
  first_mb_in_slice: ({ firstMb }) => firstMb,
  slice_type: ({ typeCode }) => typeCode,
  pic_parameter_set_id: ({ pictureSetId }) => pictureSetId,
  frame_num: ({ frameNum }) => frameNum,
  idr_pic_id: ({ idrPicId }) => idrPicId,
  pic_order_cnt_lsb: ({ picOrderCntLsb }) => picOrderCntLsb,
  direct_spatial_mv_pred_flag: ({ directSpatialMvPred }) => directSpatialMvPred,
  num_ref_idx_l0_active_minus1: ({ active }) => active[0] - 1,
  num_ref_idx_l1_active_minus1: ({ active }) => active[1] - 1,
  cabac_init_idc: ({ cabacInitIdc }) => cabacInitIdc,
  slice_qp_delta: ({ sliceQpDelta }) => sliceQpDelta,
  disable_deblocking_filter_idc: ({ deblocking }) => deblocking?.disableIdc,
  slice_alpha_c0_offset_div2: ({ deblocking }) => deblocking?.alphaOffset,
};

const MODIFICATION_NAMES = ["modification_of_pic_nums_idc", "abs_diff_pic_num_minus1"];

/** What ffmpeg's trace has and our header doesn't; null where both agree. */
function difference(header: SliceHeader, traced: Awaited<ReturnType<typeof tracedSlices>>[number]): unknown {
  const elements = traced.filter(({ name }) => !name.startsWith("cabac_alignment"));
  for (const { name, value } of elements) {
    const own = ELEMENTS[name]?.(header);
    if (own !== undefined && Number(own) !== value) return { name, value, own };
  }
  const modified = elements.filter(
    ({ name, value }) => MODIFICATION_NAMES.includes(name) && !(value === 3 && name.endsWith("idc")),
  );
  const ownModified = header.modifications
    .flatMap((list) => list ?? [])
    .flatMap((one) => [one.idc, one.absDiffPicNumMinus1]);
  if (ownModified.join() !== modified.map(({ value }) => value).join()) return { modified, ownModified };
  const unmarked = elements.filter(({ name }) => name === "difference_of_pic_nums_minus1");
  const ownUnmarked = (header.unmarkings ?? []).map((one) => one.differenceOfPicNumsMinus1);
  if (ownUnmarked.join() !== unmarked.map(({ value }) => value).join()) return { unmarked, ownUnmarked };
  // Positions in the trace count from the unit's first byte.
  const bits = elements.at(-1)!.end - 8;
  return bits === header.bits ? null : { bits, own: header.bits };
}

describe.each(h264Traits)("the headers of a stream with %s", (trait) => {
  it("are read as ffmpeg reads them, and written as they were", async () => {
    const { path, sets, packets } = await streamOf(trait);
    const slices = packets.flatMap(slicesOf);
    const headers = slices.map((unit) => parseSliceHeader(unit, sets));
    const traced = await tracedSlices(path);
    expect(traced).toHaveLength(slices.length);
    expect(headers.map((header, at) => difference(header, traced[at]!)).filter((one) => one !== null)).toEqual([]);
    for (const [at, header] of headers.entries()) {
      const target = { sequence: sets.sequence, picture: sets.pictures.get(header.pictureSetId)! };
      expect(withSliceHeader(slices[at]!, header, header, target).equals(slices[at]!)).toBe(true);
    }
  });

  it("give the pictures' order", async () => {
    const { sets, packets, times } = await streamOf(trait);
    const starts = packets.flatMap((packet, at) => (isIdr("h264", packet) ? [at] : []));
    for (const [group, from] of starts.entries()) {
      const to = starts[group + 1] ?? packets.length;
      const pictures = readPictures(packets.slice(from, to), sets);
      const byTime = pictures.toSorted(
        (one, other) => times[from + pictures.indexOf(one)]! - times[from + pictures.indexOf(other)]!,
      );
      const byOrder = pictures.toSorted((one, other) => one.picOrderCnt - other.picOrderCnt);
      expect(byTime).toEqual(byOrder);
    }
  });
});

/** More of them take minutes: set the variable for the record. */
const MUTATIONS = Number(process.env.VIDEO_SPLIT_TEST_MUTATIONS ?? 500);

describe("damaged headers", () => {
  /** Changes some bits of the first bytes of a unit. */
  function damaged(unit: Buffer, random: () => number): Buffer {
    const bytes = Buffer.from(unit);
    for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips -= 1)
      bytes[Math.floor(random() * Math.min(bytes.length, 24))]! ^= 1 << Math.floor(random() * 8);
    return bytes;
  }

  const withoutPositions = ({ weights, bits: _, ...header }: SliceHeader) => ({
    ...header,
    weights: weights && weights.to - weights.from,
  });

  /** A damaged packet of a group: refused, or read and written as it is. */
  function tryGroup(packets: readonly Buffer[], sets: StreamSets, random: () => number): "refused" | "read" {
    const at = Math.floor(random() * packets.length);
    const units = lengthFramed(packets[at]!)!.map((unit) => (isSlice("h264", unit) ? damaged(unit, random) : unit));
    const group = packets.map((packet, number) => (number === at ? lengthPrefixed(units) : packet));
    const pictures = orRefusal(() => readPictures(group, sets));
    if (pictures instanceof H264Refusal) return "refused";
    for (const { unit, header } of pictures[at]!.slices) {
      const target = { sequence: sets.sequence, picture: sets.pictures.get(header.pictureSetId)! };
      const written = orRefusal(() => withSliceHeader(unit, header, header, target));
      if (!(written instanceof H264Refusal))
        expect(withoutPositions(parseSliceHeader(written, sets))).toEqual(withoutPositions(header));
    }
    const ranked = pictures.map((picture) => ({ picture, rank: picture.picOrderCnt / 2 }));
    orRefusal(() => planAnchors(ranked, 7, sets.sequence.maxNumRefFrames));
    return "read";
  }

  async function tryAll(count: number): Promise<Record<string, number>> {
    const random = randomFrom(20);
    const results: Record<string, number> = { refused: 0, read: 0 };
    const all = await Promise.all(h264Traits.map(streamOf));
    for (let number = 0; number < count; number += 1) {
      const { packets, sets } = all[number % all.length]!;
      results[tryGroup(packets.slice(0, 30), sets, random)]! += 1;
    }
    return results;
  }

  it("are refused, or read as what they say", async () => {
    const results = await tryAll(MUTATIONS);
    expect(results.refused! + results.read!).toBe(MUTATIONS);
    if (process.env.VIDEO_SPLIT_TEST_MUTATIONS !== undefined) console.log(results);
  });
});
