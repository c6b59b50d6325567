import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Intercept } from "../../infra/emulator/front.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { outcomesById } from "../fixtures/outcomes.ts";
import { openTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** Lambda's own is 900 s. Of these, 5 s are for ending in order. */
const TIMEOUT_SECONDS = 15;

/** Three segments are uploaded at the same time, so that an invocation has time for some 8 of them. */
const UPLOAD_MS = 3_500;
const SEGMENTS = 14;

/** S3 takes its time for each segment: then this test is as long on any machine, and waits more than it computes. */
const slowUploads: Intercept = (request, _response, serve) => {
  if (request.method !== "PUT" || !request.url?.includes("-segments/")) return serve();
  void sleep(UPLOAD_MS).then(serve);
};

async function splitIn(stack: TestStack, path: string) {
  await stack.upload(path, { key: "uploads/long.mp4" });
  const events = await stack.ourEvents();
  const ranges = events.flatMap((event) => (event.type === "SegmentRangeRequested" ? [event.data] : []));
  return { events, ranges, documents: await stack.allDocuments(), deadLetters: await stack.deadLetters() };
}

const withoutTimes = (documents: Record<string, unknown>[]) => documents.map(({ creation_time: _, ...rest }) => rest);

/** Uploads the video to a stack whose function has too little time for it. */
async function splitSlowly(maxConcurrentRanges: number) {
  const path = join(await temporaryFolder(), "long.mp4");
  const video = `testsrc2=size=160x90:rate=10:duration=${SEGMENTS}`;
  await ffmpeg("-f", "lavfi", "-i", video, "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", path);
  const values = { "video_split.cut": "keyframe", "video_split.output_files_duration_in_sec": 1 };

  const settings = { ...values, "video_split.max_concurrent_ranges": maxConcurrentRanges };
  const slow = { values: settings, timeoutSeconds: TIMEOUT_SECONDS, concurrency: 6, intercept: slowUploads };
  const several = await splitIn(await openTestStack(slow), path);
  const whole = await splitIn(await openTestStack({ values }), path);

  expect(whole.ranges).toEqual([]);
  expect(several.deadLetters).toEqual([]);
  expect(several.ranges.length).toBeGreaterThan(0);
  expect(outcomesById(several.events)).toEqual(outcomesById(whole.events));
  expect(withoutTimes(several.documents)).toEqual(withoutTimes(whole.documents));
  return several.ranges;
}

describe("given a video needs longer than an invocation has, then several split it, as a single one does", () => {
  it("side by side", async () => {
    const ranges = await splitSlowly(4);
    const first = ranges.filter(({ invocation }) => invocation === 2);
    expect(new Set(first.map(({ last_segment }) => last_segment)).size).toBeGreaterThanOrEqual(2);
  });

  it("one after another", { tags: "full" }, async () => {
    const ranges = await splitSlowly(1);
    expect(ranges.map(({ invocation }) => invocation)).toEqual(ranges.map((_, at) => at + 2));
  });
});
