import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compilePattern } from "../../infra/emulator/events/pattern/index.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { DEFAULT_EXTENSIONS } from "../../infra/settings.ts";
import { graphOf } from "./synthesised.ts";

const graph = graphOf("ada");

/**
 * Functions that an event starts, by the deployed patterns. The local stack uses the same matcher.
 */
const startedBy = (event: object, bus: string): string[] =>
  graph
    .all("cloudwatch/eventRule:EventRule")
    .filter(({ inputs }) => inputs.eventBusName === bus)
    .filter(({ inputs }) => compilePattern(JSON.parse(String(inputs.eventPattern)))(event))
    .flatMap(({ state }) =>
      graph.all("cloudwatch/eventTarget:EventTarget").filter(({ inputs }) => inputs.rule === state.name),
    )
    .map(({ inputs }) => graph.find("lambda/function:Function", "arn", inputs.arn)?.name ?? "nothing");

/** As S3 sends it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const created = (key: string, { bucket = graph.topology.buckets.uploads.name, reason = "PutObject" } = {}) => ({
  version: "0",
  id: "17793124-05d4-b198-2fde-7ededc63b103",
  "detail-type": "Object Created",
  source: "aws.s3",
  account: "123456789012",
  time: "2026-11-24T00:00:00Z",
  region: "us-east-1",
  resources: [`arn:aws:s3:::${bucket}`],
  detail: {
    version: "0",
    bucket: { name: bucket },
    object: { key, size: 5, etag: "b1946ac92492d2347c6235b4d2611184", sequencer: "00617F08299329D189" },
    "request-id": "N4N7GDK58NMKJ12R",
    requester: "123456789012",
    "source-ip-address": "1.2.3.4",
    reason,
  },
});

describe("given S3's event of a new object, as deployed", () => {
  it.each(["PutObject", "POST Object", "CopyObject", "CompleteMultipartUpload"])("made by %s, it's split", (reason) =>
    expect(startedBy(created("uploads/a b+c (1).mp4", { reason }), "default")).toEqual(["SplitFunction"]),
  );

  it.each(DEFAULT_EXTENSIONS)("of extension %s in any usual spelling, it's split once", (extension) => {
    for (const spelling of [extension, extension.toUpperCase(), extension.charAt(0).toUpperCase() + extension.slice(1)])
      expect(startedBy(created(`uploads/deep/er/film.${spelling}`), "default"), spelling).toEqual(["SplitFunction"]);
  });

  it.each([
    ["outside the upload prefix", created("other/film.mp4")],
    ["in another bucket", created("uploads/film.mp4", { bucket: "somebody-elses" })],
    ["among the segments", created("segments/film.mp4", { bucket: graph.topology.buckets.segments.name })],
    ["that was deleted", { ...created("uploads/film.mp4"), "detail-type": "Object Deleted" }],
  ])("%s, nothing starts", (_, event) => expect(startedBy(event, "default")).toEqual([]));
});

describe("given our own event, as deployed", () => {
  it.each([
    ["SplitRequested", ["SplitFunction"]],
    ["SplitPlanned", ["ProjectorFunction"]],
    ["SegmentCreated", ["ProjectorFunction", "PosterFunction"]],
    ["PosterCreated", ["ProjectorFunction"]],
    ["VideoSplit", ["ProjectorFunction"]],
    ["VideoRejected", ["ProjectorFunction"]],
  ])("%s starts %j", async (type, functions) => {
    const example = JSON.parse(await readFile(join(PROJECT_ROOT, `events-schema/examples/${type}.json`), "utf8"));
    expect(startedBy(example, graph.topology.buses.video.name)).toEqual(functions);
    expect(startedBy({ ...example, source: "somebody-else" }, graph.topology.buses.video.name)).toEqual([]);
  });
});
