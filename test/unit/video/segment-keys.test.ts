import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { segmentKey, shortened } from "../../../services/video/segment-keys.ts";
import { nameOf } from "../../../services/video/source.ts";

const segment = { videoName: "holiday", videoId: 16_384, index: 7, extension: "mp4" };

describe("a segment's key", () => {
  it("fills in the prefix and pads the index, so that a listing is in order", () => {
    expect(segmentKey("clips/{video_name}/{video_id}/", segment)).toBe("clips/holiday/16384/holiday-16384-00007.mp4");
  });

  it("differs for two uploads of the same name under any prefix", () => {
    expect(segmentKey("out/", segment)).not.toBe(segmentKey("out/", { ...segment, videoId: 32_768 }));
  });

  it("takes names as they are, also ones that look like a template", () => {
    expect(segmentKey("{video_name}/", { ...segment, videoName: "{video_id} $& a+b%20c" })).toBe(
      "{video_id} $& a+b%20c/{video_id} $& a+b%20c-16384-00007.mp4",
    );
  });

  it("stays within S3's 1,024 bytes for any name and never cuts a character in two", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 1_000 }), (videoName) => {
        const key = segmentKey(`${"p".repeat(380)}{video_name}/`, { ...segment, videoName });
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1_024);
        expect(videoName.startsWith(shortened(videoName))).toBe(true);
      }),
    );
  });
});

describe("name and extension of a key", () => {
  it.each([
    ["uploads/a b+c (1).MP4", "a b+c (1)", "mp4"],
    ["uploads/archive.tar.mov", "archive.tar", "mov"],
    ["uploads/noextension", "noextension", ""],
    ["uploads/.mp4", ".mp4", ""],
    ["a//b.ts", "b", "ts"],
  ])("%s", (key, name, extension) => {
    expect(nameOf(key)).toEqual({ name, extension });
  });
});
