import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventTypes } from "#events-schema";
import type { EventView, Message, SegmentView } from "../../../infra/console/api/types.ts";
import { readAddress, writeAddress } from "../../../infra/console/page/logic/address.ts";
import { mergedEvents, PATTERNS, subjectOf } from "../../../infra/console/page/logic/events.ts";
import { formatBytes, formatSeconds, formatTime, plural } from "../../../infra/console/page/logic/format.ts";
import { describeKeyframes, keyframeColumns } from "../../../infra/console/page/logic/keyframes.ts";
import { proofSentences } from "../../../infra/console/page/logic/proof.ts";
import { streamReader } from "../../../infra/console/page/logic/stream.ts";
import { barsOf, boundariesOf, describeTimeline, deviationOf } from "../../../infra/console/page/logic/timeline.ts";
import { lengthFault, uploadFault } from "../../../infra/console/page/logic/uploads.ts";
import {
  afterMessage,
  segmentCount,
  type VideosState,
  viewOfEvent,
  withVideos,
} from "../../../infra/console/page/logic/videos.ts";
import { scrollTopFor, visibleRows } from "../../../infra/console/page/logic/visible-rows.ts";
import { compilePattern } from "../../../infra/emulator/events/index.ts";
import { readExample } from "../../contract/example-events.ts";

const exampleEvents = await Promise.all(eventTypes.map(readExample));

const example = (type: string): EventView =>
  exampleEvents.find((event) => event["detail-type"] === type) as unknown as EventView;

const EMPTY: VideosState = { videos: [], waiting: [] };

const UPLOADS = { uploads: { bucket: "video-split-uploads", prefix: "uploads/" }, extensions: ["mp4"] };

const message = (type: string): Message => ({ type: "event", bus: "video", event: example(type) });

const segment = (segment_index: number, start: number, end: number, made: SegmentView["made"] = "copied") =>
  ({ VideoId: segment_index + 2, parent_video: 1, segment_index, start, end, made }) as SegmentView;

const PLAN = { cut: "keyframe", segment_seconds: 10, segment_count: 3 } as const;

describe("figures", () => {
  it("are short and exact", () => {
    expect([0, 30.03, 62.5, 3_722, 59.9996].map(formatTime)).toEqual([
      "0:00",
      "0:30.030",
      "1:02.500",
      "1:02:02",
      "1:00",
    ]);
    expect([0, 999, 1_000, 4_139_823, 999_600, 50e9].map(formatBytes)).toEqual([
      ...["0 bytes", "999 bytes", "1 KB", "4.1 MB", "1 MB", "50 GB"],
    ]);
    expect([formatSeconds(2.0004), plural(1, "frame"), plural(2_263, "frame")]).toEqual([
      "2 s",
      "1 frame",
      "2,263 frames",
    ]);
  });
});

describe("videos", () => {
  it("are the same in whatever order and how often events come", () => {
    const events = ["SplitPlanned", "VideoSplit"].map(message);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { minLength: 1, maxLength: 6 }), (some) => {
        const after = [...some, ...events].reduce((state, each) => afterMessage(state, each, UPLOADS), EMPTY);
        expect(after.videos).toHaveLength(1);
        expect(after.videos[0]).toMatchObject({ status: "split", frames: 2_263, plan: { segment_count: 3 } });
        expect(after.videos[0]?.creation_time).toBe("2026-11-23T09:41:02.000Z");
      }),
    );
  });

  it("wait from their upload until an event is about them", () => {
    const { key, bucket } = (example("VideoRejected").detail as { data: { key: string; bucket: string } }).data;
    const created = {
      ...example("VideoRejected"),
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: { bucket: { name: bucket }, object: { key, size: 5 } },
    };
    const uploaded = afterMessage(EMPTY, { type: "event", bus: "default", event: created }, UPLOADS);
    expect(uploaded.waiting).toMatchObject([{ key, bytes: 5, accepted: true }]);
    const rejected = afterMessage(uploaded, message("VideoRejected"), UPLOADS);
    expect(rejected).toMatchObject({
      waiting: [],
      videos: [{ status: "rejected", rejection: { reason: "NotMedia" } }],
    });
  });

  it("count their segments by the plan, and by what is there", () => {
    const planned = viewOfEvent(example("SplitPlanned"))!;
    expect([segmentCount(planned, 0), segmentCount(planned, 4)]).toEqual([3, 4]);
    const { plan: _, ...unplanned } = planned;
    expect(segmentCount({ ...unplanned, status: "split" }, 7)).toBe(7);
    expect(withVideos({ videos: [planned], waiting: [] }, []).videos).toEqual([planned]);
  });

  it("have a proof in words", () => {
    const split = viewOfEvent(example("VideoSplit"))!;
    expect(proofSentences(split)).toEqual([
      "All 2,263 frames of the source are in the segments, each once and in order.",
      "2,204 of them (97.3 %) are bit for bit the source's.",
      "Each segment begins at the exact frame.",
    ]);
    const worse = { ...split, truncated: true, last_readable_time: 61, undecodable: [{ from: 3, to: 4.5 }] } as const;
    expect(proofSentences({ ...worse, undecodable: [...worse.undecodable] }).slice(3)).toEqual([
      "The file can't be read beyond 1:01: it was split up to there.",
      "From 0:03 to 0:04.500 the source is damaged.",
    ]);
  });
});

describe("the timeline", () => {
  const segments = [segment(0, 0, 10.4), undefined, segment(2, 20, 30, "encoded")];

  it("has a bar for each segment, and each boundary where it was requested and where it is", () => {
    expect(barsOf(segments, 30).map(({ from, to }) => [from, to])).toEqual([
      [0, 10.4 / 30],
      [20 / 30, 1],
    ]);
    expect(boundariesOf([segment(1, 10.4, 20)], PLAN, 30)).toEqual([
      { index: 1, requested: 10, actual: 10.4, requestedAt: 10 / 30, actualAt: 10.4 / 30 },
    ]);
    expect(boundariesOf(segments, undefined, 30)).toEqual([]);
    expect([barsOf(segments, 0), boundariesOf(segments, PLAN, 0)]).toEqual([[], []]);
  });

  it("says in words what it shows", () => {
    expect(deviationOf(segment(1, 10.04, 20), PLAN)).toBe("+40 ms");
    expect(deviationOf(segment(1, 9.96, 20), PLAN)).toBe("−40 ms");
    expect([deviationOf(segment(2, 20, 30), PLAN), deviationOf(segment(1, 11, 20), undefined)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(describeTimeline(segments, PLAN)).toBe(
      "Timeline of 2 segments: 1 copied, 1 encoded, each boundary is at the requested time",
    );
  });
});

describe("keyframes", () => {
  const known = (times: readonly number[]) => ({ known: true, count: times.length, times: [...times] }) as const;

  it("are counted, with their average distance", () => {
    const texts = [known([0, 2, 4]), known([0])].map((each) => describeKeyframes(each, 6));
    expect(texts).toEqual(["3 keyframes, every 2.0 s on average", "1 keyframe"]);
    expect(describeKeyframes({ known: true, count: 15_000, times: [] }, 600)).toBe(
      "15,000 keyframes, every 40 ms on average",
    );
    expect(describeKeyframes({ known: false, why: "the source was deleted or replaced" }, 6)).toBe(
      "keyframes aren't shown: the source was deleted or replaced",
    );
  });

  it("have a mark for each column of pixels at most, on the axis of the boundaries", () => {
    expect(keyframeColumns(known([0, 2.5, 5]), 10, 100)).toEqual([0, 25, 50]);
    const many = known(Array.from({ length: 20_000 }, (_, index) => index / 25));
    expect(keyframeColumns(many, 800, 900)).toHaveLength(900);
    const none = [keyframeColumns(known([0, 1]), 0, 100), keyframeColumns({ known: false, why: "" }, 10, 100)];
    expect(none).toEqual([[], []]);
  });
});

it("a list of any length has elements for the rows in view only", () => {
  const view = fc.record({ count: fc.nat(16_383), top: fc.nat(1_300_000), height: fc.integer({ min: 1, max: 2_000 }) });
  fc.assert(
    fc.property(view, ({ count, top, height }) => {
      const scrollTop = Math.min(top, Math.max(0, count * 76 - height));
      const { first, last } = visibleRows(count, 76, scrollTop, height);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(last).toBeLessThanOrEqual(count);
      expect(last - first).toBeLessThanOrEqual(Math.ceil(height / 76) + 14);
      if (count > 0) expect(first * 76).toBeLessThanOrEqual(scrollTop);
      expect(Math.min(count * 76, last * 76)).toBeGreaterThanOrEqual(Math.min(count * 76, scrollTop + height));
    }),
  );
  expect([scrollTopFor(10, 76, 0, 500), scrollTopFor(0, 76, 500, 500), scrollTopFor(2, 76, 100, 500)]).toEqual([
    336, 0, 100,
  ]);
});

it("the address keeps token, tab and document, and takes nothing else", () => {
  const address = { token: "abc", tab: "documents", document: "123" } as const;
  expect(readAddress(writeAddress(address))).toEqual(address);
  expect(readAddress("#abc/elsewhere/<b>")).toEqual({ token: "abc", tab: "videos", document: "" });
});

it("server-sent events are read however they are divided", () => {
  const sent: Message[] = [{ type: "deadLetter" }, { type: "fault", fault: "a\nb", time: "t" }, { type: "documents" }];
  const text = `: open\n\n${sent.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("")}: alive\n\n`;
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (places) => {
      const ends = [...places.toSorted((one, other) => one - other), text.length];
      const read = streamReader();
      expect(ends.flatMap((end, at) => read(text.slice(ends[at - 1] ?? 0, end)))).toEqual(sent);
    }),
  );
});

describe("events", () => {
  it("name what they are about", () => {
    expect(subjectOf(example("SegmentCreated"))).toMatch(/^segment 1 segments\/Beach day/);
    expect(subjectOf({ ...example("SegmentCreated"), detail: null })).toBe("");
  });

  it("are shown once each", () => {
    const [one, two, three] = ["1", "2", "3"].map((id) => ({ ...example("VideoSplit"), id })) as [
      EventView,
      EventView,
      EventView,
    ];
    expect(mergedEvents([two, one], [three, two])).toEqual([three, two, one]);
  });

  it("have patterns to begin with that EventBridge takes, and that match", () => {
    const matching = Object.entries(PATTERNS).map(([name, pattern]) => {
      const matches = pattern === "" ? () => true : compilePattern(JSON.parse(pattern));
      return [name, exampleEvents.filter(matches).map((event) => event["detail-type"]).length];
    });
    expect(matching).toEqual([
      ["All events", exampleEvents.length],
      ["Each segment", 1],
      ["Each end of a split", 2],
      ["Segments that were re-encoded", 1],
      ["Videos longer than an hour", 0],
    ]);
  });
});

it("a file that can't be split is named before it's sent, with what to do", () => {
  expect(uploadFault({ name: "a.MP4", size: 1 }, ["mp4"])).toBeUndefined();
  expect(uploadFault({ name: "notes.txt", size: 1 }, ["mp4"])).toMatch(/Accepted are mp4/);
  expect(uploadFault({ name: "a.mp4", size: 6e9 }, ["mp4"])).toMatch(/AWS CLI/);
  expect(["30", "0.5", "0.4", "", "x"].map((text) => lengthFault(text) === undefined)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
