import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Hash } from "../../../services/video/ids.ts";
import { parentOf, segmentMetadata } from "../../../services/video/own-segments.ts";

const sha256: Hash = (text) => createHash("sha256").update(text).digest();

const metadata = segmentMetadata(16_384, 3, 900, sha256);

describe("an object's metadata", () => {
  it("says of which video it is a segment, also beside other metadata", () => {
    expect(parentOf({ metadata: { ...metadata, checksum: "sha256:0", title: "x" }, bytes: 900 }, sha256)).toBe("16384");
  });

  it.each([
    ["an uploader's own", { "video-split-parent": "16384" }],
    ["an uploader's own, with an index", { "video-split-parent": "16384", "video-split-segment-index": "3" }],
    ["another parent", { ...metadata, "video-split-parent": "32768" }],
    ["another index", { ...metadata, "video-split-segment-index": "4" }],
    ["none", {}],
  ])("makes no segment: %s", (_what, written) => {
    expect(parentOf({ metadata: written, bytes: 900 }, sha256)).toBeUndefined();
  });

  it("makes no segment of another object that it is copied to", () => {
    expect(parentOf({ metadata, bytes: 901 }, sha256)).toBeUndefined();
  });
});
