import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import type { Intercept } from "../../infra/emulator/front.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { openTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** Lambda's own is 900 s. Of these, 5 s are for ending in order. */
const TIMEOUT_SECONDS = 15;

/** Three segments are uploaded at the same time, so that an invocation has time for 15 of them. */
const UPLOAD_MS = 2_000;
const SEGMENTS = 24;

/** S3 takes its time for each segment: then this test is as long on any machine, and waits more than it computes. */
const slowUploads: Intercept = (request, _response, serve) => {
  if (request.method !== "PUT" || !request.url?.includes("-segments/")) return serve();
  void sleep(UPLOAD_MS).then(serve);
};

async function splitIn(stack: TestStack, path: string) {
  await stack.upload(path, { key: "uploads/long.mp4" });
  const events = await stack.ourEvents();
  const ranges = events.flatMap((event) => (event.type === "SegmentRangeRequested" ? [event.data] : []));
  return { events, ranges, documents: await stack.allDocuments(), letters: await stack.deadLetters() };
}

/** Type and data of the events by id: only who made them, and when, differs. */
const eventsById = (events: VideoSplitEvent[]): Map<string, unknown> =>
  new Map(
    events
      .filter(({ type }) => type !== "SegmentRangeRequested")
      .map(({ type, data, metadata }) => [metadata.eventId, { type, data }]),
  );

const withoutTimes = (documents: Record<string, unknown>[]) => documents.map(({ creation_time: _, ...rest }) => rest);

it("given a video needs longer than an invocation has, then several split it, as a single one does", async () => {
  const path = join(await temporaryFolder(), "long.mp4");
  const video = `testsrc2=size=160x90:rate=10:duration=${SEGMENTS}`;
  await ffmpeg("-f", "lavfi", "-i", video, "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", path);
  const values = { "video_split.cut": "keyframe", "video_split.output_files_duration_in_sec": 1 };

  const slow = { values, timeoutSeconds: TIMEOUT_SECONDS, intercept: slowUploads };
  const continued = await splitIn(await openTestStack(slow), path);
  const whole = await splitIn(await openTestStack({ values }), path);

  expect(whole.ranges).toEqual([]);
  expect(continued.letters).toEqual([]);
  expect(continued.ranges.length).toBeGreaterThan(0);
  expect(continued.ranges.map(({ invocation }) => invocation)).toEqual(continued.ranges.map((_, at) => at + 2));
  expect(eventsById(continued.events)).toEqual(eventsById(whole.events));
  expect(withoutTimes(continued.documents)).toEqual(withoutTimes(whole.documents));
});
