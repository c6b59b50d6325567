import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_SEGMENTS } from "#events-schema";
import { maxKeyBytes, prefixFault, segmentKey, segmentName, shortened } from "../../../services/video/segment-keys.ts";
import { nameOf } from "../../../services/video/source.ts";

const segment = { videoName: "holiday", videoId: 16_384, index: 7, extension: "mp4" };

describe("a segment's key", () => {
  it("fills in the prefix and pads the index, so that a listing is in order", () => {
    expect(segmentKey("cuts/{video_name}/{video_id}/", segment)).toBe("cuts/holiday/16384/holiday-16384-00007.mp4");
  });

  it("differs for two uploads of the same name under any prefix", () => {
    expect(segmentKey("out/", segment)).not.toBe(segmentKey("out/", { ...segment, videoId: 32_768 }));
  });

  it("keeps names unchanged, also ones that look like a template", () => {
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

describe("a name that others would resolve or print", () => {
  const keyOf = (key: string, prefix = "out/{video_name}/") =>
    segmentKey(prefix, { ...segment, videoName: nameOf(key).name });

  it.each([
    ["uploads/...mp4", "out/__/__-16384-00007.mp4"],
    ["uploads/..mp4", "out/_/_-16384-00007.mp4"],
    ["uploads/....mp4", "out/.../...-16384-00007.mp4"],
    ["uploads/a..b.mp4", "out/a..b/a..b-16384-00007.mp4"],
    ["uploads/a\nb\u0085.mp4", "out/a_b_/a_b_-16384-00007.mp4"],
  ])("%j is written as a name", (key, expected) => expect(keyOf(key)).toBe(expected));

  it("isn't '..' together with the prefix", () => {
    expect(keyOf("uploads/..mp4", "out/.{video_name}/{video_name}")).toBe("out/._/__-16384-00007.mp4");
  });

  it("has no part of a key that is '.' or '..', for any key, and the name of a segment is the one in its key", () => {
    const name = fc.string({ unit: fc.constantFrom(".", "/", "a", "\u0000", "ü"), maxLength: 8 });
    const prefix = fc.constantFrom(
      "",
      "{video_name}",
      "{video_name}/",
      ".{video_name}/",
      "a/{video_name}{video_name}/b",
    );
    fc.assert(
      fc.property(name, prefix, (base, template) => {
        const videoName = nameOf(`${base}.mp4`).name;
        const key = segmentKey(template, { ...segment, videoName });
        expect(key.split("/").filter((part) => part === "." || part === "..")).toEqual([]);
        expect(key).not.toMatch(/\p{Cc}/u);
        expect(key.endsWith(`${segmentName({ ...segment, videoName })}.mp4`)).toBe(true);
      }),
    );
  });
});

describe("an output prefix", () => {
  it.each(["", "out/", "out/{video_name}/{video_id}/", "a..b/...", "ümläut/"])("may be %j", (prefix) => {
    expect(prefixFault(prefix)).toBeUndefined();
  });

  it.each([
    ["/out/", "leading slash"],
    ["out/{name}/", "no other {…}"],
    ["out/../in/", "'..'"],
    ["./out/", "'.'"],
    ["out/..", "'..'"],
    ["out\n/", "control characters"],
    ["out\ud800/", "unpaired surrogates"],
  ])("must not be %j", (prefix, why) => expect(prefixFault(prefix)).toContain(why));
});

describe("the most bytes of a video's keys", () => {
  it("are those of its last possible segment, in the container with the longest ending", () => {
    const templates = fc.array(fc.constantFrom("{video_name}", "{video_id}", "ü", "/"), { maxLength: 20 });
    fc.assert(
      fc.property(templates, fc.string({ unit: "grapheme", maxLength: 300 }), (parts, videoName) => {
        const last = { videoName, videoId: Number.MAX_SAFE_INTEGER, index: MAX_SEGMENTS - 1 };
        const key = segmentKey(parts.join(""), { ...last, extension: "webm" });
        expect(maxKeyBytes(parts.join(""), last)).toBe(Buffer.byteLength(key));
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
