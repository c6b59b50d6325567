import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../infra/emulator/events/pattern/index.ts";
import { LOCAL_NAMES } from "../../../infra/local/names.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { topology } from "../../../infra/topology.ts";

const built = topology(parseSettings({}), LOCAL_NAMES);

const rulesFor = (event: object): string[] =>
  built.rules.filter(({ pattern }) => compilePattern(pattern)(event)).map(({ name }) => name);

const uploaded = (key: string, bucket = LOCAL_NAMES.uploads) => ({
  source: "aws.s3",
  "detail-type": "Object Created",
  resources: [`arn:aws:s3:::${bucket}`],
  detail: { version: "0", bucket: { name: bucket }, object: { key, size: 5, etag: "e" }, reason: "PutObject" },
});

const announced = (type: string) => ({
  source: "video-split",
  "detail-type": type,
  detail: { metadata: {}, data: {} },
});

describe("the topology's rules", () => {
  it.each(["uploads/a.mp4", "uploads/a.mP4", "uploads/deep/er/a b+c.mkv", "uploads/.mov", "uploads/notes.txt"])(
    "given an upload of %s, then the split function decides once",
    (key) => expect(rulesFor(uploaded(key))).toEqual(["uploaded"]),
  );

  it.each(["a.mp4", "other/a.mp4", "Uploads/a.mp4"])("given an upload of %s, then nothing happens", (key) =>
    expect(rulesFor(uploaded(key))).toEqual([]),
  );

  it("given no upload prefix, then the whole bucket's", () => {
    const { rules } = topology(parseSettings({ "video_split.upload_key_prefix": "" }), LOCAL_NAMES);
    const matches = compilePattern(rules.find(({ name }) => name === "uploaded")!.pattern);
    expect(matches(uploaded("a.mp4"))).toBe(true);
    expect(matches(uploaded("a.mp4", LOCAL_NAMES.segments))).toBe(false);
  });

  it("given an object in another bucket, then nothing happens", () => {
    expect(rulesFor(uploaded("uploads/a.mp4", LOCAL_NAMES.segments))).toEqual([]);
  });

  it("given a poster, in the segments' bucket or beside segments in the uploads' one, then nothing happens", () => {
    const poster = "segments/a/a-16384-00000.jpg";
    expect(rulesFor(uploaded(poster, LOCAL_NAMES.segments))).toEqual([]);
    expect(rulesFor(uploaded(poster))).toEqual([]);
  });

  it("given posters that are switched off, then no enabled rule starts their function, and its queues stay", () => {
    const { rules, queues } = topology(parseSettings({ "poster.enabled": false }), LOCAL_NAMES);
    expect(rules.filter(({ isEnabled, target }) => isEnabled && target === "poster")).toEqual([]);
    expect(rules.filter(({ isEnabled }) => !isEnabled)).toHaveLength(1);
    expect(queues).toHaveProperty("posterFailures");
  });

  it("given an object that was deleted, then nothing happens", () => {
    expect(rulesFor({ ...uploaded("uploads/a.mp4"), "detail-type": "Object Deleted" })).toEqual([]);
  });

  it("given a prefix with a star and a backslash, then they are taken literally", () => {
    const settings = parseSettings({ "video_split.upload_key_prefix": "a*b\\/" });
    const rule = topology(settings, LOCAL_NAMES).rules.find(({ name }) => name === "uploaded");
    const matches = compilePattern(rule?.pattern);
    expect(matches(uploaded("a*b\\/v.mp4"))).toBe(true);
    expect(matches(uploaded("axb\\/v.mp4"))).toBe(false);
  });

  it.each([
    ["SplitRequested", ["split-requested"]],
    ["SplitPlanned", ["project-video-documents"]],
    ["SegmentCreated", ["project-video-documents", "make-posters"]],
    ["PosterCreated", ["project-video-documents"]],
    ["VideoSplit", ["project-video-documents"]],
    ["VideoRejected", ["project-video-documents"]],
    ["SomethingElse", []],
  ])("given %s, then it goes to %j", (type, rules) => {
    expect(rulesFor(announced(type))).toEqual(rules);
    expect(rulesFor({ ...announced(type), source: "somebody-else" })).toEqual([]);
  });

  it("given the longest prefix, then each pattern keeps to EventBridge's quota of 2,048 characters", () => {
    const settings = parseSettings({ "video_split.upload_key_prefix": "p".repeat(400) });
    const names = { ...LOCAL_NAMES, uploads: "b".repeat(63) };
    for (const { name, pattern } of topology(settings, names).rules)
      expect(JSON.stringify(pattern).length, name).toBeLessThanOrEqual(2_048);
  });
});
