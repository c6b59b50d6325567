import { describe, expect, it } from "vitest";
import { LOCAL_NAMES } from "../../../infra/local/names.ts";
import { parseSettings } from "../../../infra/settings.ts";
import { topology } from "../../../infra/topology.ts";

describe("the reconciler's function", () => {
  it.each([10, 1, null])("reserves no concurrency, given video_split.concurrency %s", (concurrency) => {
    const { reconciler } = topology(parseSettings({ "video_split.concurrency": concurrency }), LOCAL_NAMES).functions;
    expect(reconciler.concurrency).toBeUndefined();
  });

  it("knows how long Lambda keeps the split function's events", () => {
    const { reconciler, split } = topology(parseSettings({}), LOCAL_NAMES).functions;
    expect(reconciler.environment.VIDEO_SPLIT_EVENT_AGE_SEC).toBe(String(split.retry.maxAgeSeconds));
  });

  it.each([
    [null, "false"],
    ["my-videos", "true"],
  ])("knows whether the upload bucket was there before the stage (%s)", (bucket, isAttached) => {
    const { reconciler } = topology(parseSettings({ "video_split.upload_bucket": bucket }), LOCAL_NAMES).functions;
    expect(reconciler.environment.VIDEO_SPLIT_UPLOAD_BUCKET_IS_ATTACHED).toBe(isAttached);
  });
});
