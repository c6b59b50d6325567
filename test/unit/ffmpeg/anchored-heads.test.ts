import { describe, expect, it } from "vitest";
import {
  type AnchorCandidate,
  AnchoredHeads,
  type AnchoringSource,
} from "../../../services/ffmpeg/exact/anchored/anchored-heads.ts";
import { AnchoringState } from "../../../services/ffmpeg/exact/anchored/anchoring-state.ts";
import { GatheredGroup } from "../../../services/ffmpeg/exact/anchored/gathered-group.ts";
import { BoundaryJobQueue, type BoundaryJobQueueOptions } from "../../../services/ffmpeg/exact/boundary-job-queue.ts";
import type { BoundaryEncoderRun } from "../../../services/ffmpeg/exact/run-boundary-encoder.ts";
import { writePictureParameterSet } from "../../../services/ffmpeg/formats/h264/picture-parameter-set.ts";
import { H264Refusal, orRefusal } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import { lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";
import type { ExactSegment } from "../../../services/split/domain/exact-segment.ts";
import { quietLog } from "../../fixtures/quiet.ts";
import { configurationOf, pictureSet, sequenceUnit, setsOf, sliceUnit } from "../../fixtures/synthetic-h264.ts";

const sets = setsOf({ maxNumRefFrames: 1 });
const configuration = configurationOf(
  [sequenceUnit({ maxNumRefFrames: 1 })],
  [writePictureParameterSet(pictureSet(), false)],
);

/** Each picture refers to the one before. */
const packetsOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, at) => {
    const numbers = { frameNum: at % 16, picOrderCntLsb: (2 * at) % 64 };
    return lengthPrefixed([sliceUnit({ ...numbers, isIdr: at === 0, type: at === 0 ? "I" : "P" }, sets)]);
  });

const GROUP = 60;
const BOUNDARY = 10;

type HeadOptions = { packets?: readonly Buffer[]; next?: Buffer; end?: number };

/** Plans a head from frame 10 on. `end`: where it ends by the plan of the cut. */
function planned({ packets = packetsOf(GROUP), next = packets[0]!, end = packets.length }: HeadOptions = {}) {
  const head = { from: BOUNDARY, to: end };
  const segment = { index: 1, head, copied: { from: packets.length, to: packets.length + 30 } } as ExactSegment;
  const candidate: AnchorCandidate = { segment, end: packets.length };
  const rankOf = Int32Array.from({ length: packets.length + 30 }, (_, at) => at);
  const source = { plan: { segments: [segment], rankOf }, header: { configuration } } as unknown as AnchoringSource;
  const heads = new AnchoredHeads(source);
  const gathered = new GatheredGroup(candidate, 0);
  for (const packet of packets) gathered.add(packet);
  return { heads, group: orRefusal(() => gathered.plan(heads, next)) };
}

describe("a head", () => {
  it("is anchored where its whole group is known, and the next keyframe is an IDR picture", () => {
    expect(planned().group).toMatchObject({ plan: { anchors: [BOUNDARY] } });
  });

  it("isn't anchored in front of a keyframe that isn't an IDR picture", () => {
    const next = lengthPrefixed([sliceUnit({ type: "I", frameNum: GROUP % 16 }, sets)]);
    expect(planned({ next }).group).toMatchObject({ reason: "no IDR picture" });
  });

  it.each([GROUP - 1, GROUP + 1])("isn't anchored where its group has 50 frames, and it ends at %i", (end) => {
    expect(planned({ end }).group).toMatchObject({ reason: "display order" });
  });

  it("isn't anchored in a group of more than 3,000 packets", () => {
    const packets = Array<Buffer>(3_001).fill(packetsOf(1)[0]!);
    expect(planned({ packets }).group).toMatchObject({ reason: "limit" });
  });

  it("isn't made of encoded pictures that aren't in presentation order", async () => {
    const { heads, group } = planned();
    if (group instanceof H264Refusal) throw group;
    const plan = { ...group.plan, refreshed: [[30], [20]] };
    await expect(heads.make({ ...group, plan }, {} as BoundaryEncoderRun)).rejects.toMatchObject({
      reason: "display order",
    });
  });
});

it("heads aren't anchored while their groups have more than 24 MB", async () => {
  const reasons: string[] = [];
  const group = 20;
  const aborting = new AbortController();
  const candidate = { segment: { index: 1 }, end: group } as AnchorCandidate;
  const packet = Buffer.alloc(9 * 2 ** 20);
  const queue = new BoundaryJobQueue({
    concurrentJobs: 0,
    encoder: { options: [] },
    headers: { ofPacket: () => ({ bytes: Buffer.alloc(8) }), withParameterSets: (_: number, data: Buffer) => data },
    presentationTimes: { ticksPerSecond: 25, ofPacket: (at: number) => at },
    jobs: [{ packets: { from: 0, to: group }, parts: [{ from: 5, to: group }] }],
    signal: aborting.signal,
    anchoring: {
      heads: { candidateOf: () => candidate },
      mayAnchor: () => true,
      state: { refuse: (_: number, { message }: Error) => reasons.push(message) },
    },
    onFailure: () => {},
    onFailedRuns: () => {},
  } as unknown as BoundaryJobQueueOptions);
  for (const at of [0, 1]) await queue.add(at, packet, at === 0);
  expect(reasons).toEqual([]);
  const third = queue.add(2, packet, false);
  aborting.abort(new Error("the test ends"));
  await expect(third).rejects.toThrow("the test ends");
  await queue.ended();
  expect(reasons).toEqual([expect.stringContaining("limit: ")]);
});

describe("where a segment failed", () => {
  const anchored = (state: AnchoringState) => [2, 3, 4, 5].filter((segment) => state.mayAnchor(segment));

  it("its own head isn't anchored, and if it fails again, the next one isn't, which is made with its tail", () => {
    const state = new AnchoringState(true, quietLog);
    expect(state.fail(3)).toBe(true);
    expect(anchored(state)).toEqual([2, 4, 5]);
    expect(state.fail(3)).toBe(true);
    expect(anchored(state)).toEqual([2, 5]);
    expect(state.fail(3)).toBe(false);
  });

  it("since the next one's head can't be made, its own head is anchored as in a cut that ends with it", () => {
    const state = new AnchoringState(true, quietLog);
    state.failHead(4);
    expect(state.fail(3)).toBe(true);
    expect(anchored(state)).toEqual([2, 3, 5]);
    expect(state.fail(3)).toBe(true);
    expect(anchored(state)).toEqual([2, 5]);
  });
});
