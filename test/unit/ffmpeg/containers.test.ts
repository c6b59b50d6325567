import { describe, expect, it } from "vitest";
import { containersFor } from "../../../services/ffmpeg/formats/containers.ts";
import type { MediaDescription } from "../../../services/split/ports/media-tools.ts";

const source = (format: string, video: string, audio: string[] = []): MediaDescription => ({
  format,
  video: { index: 0, codec: video, tag: "", size: [320, 180], averageFps: 25 },
  audio: audio.map((codec, index) => ({ index: index + 1, codec, tag: "" })),
  others: [],
});

const muxers = (description: MediaDescription, extension: string, isUneven = false) =>
  containersFor(description, extension, { isUneven }).map(({ muxer, extension: own }) => `${muxer}:${own}`);

const ISO = "mov,mp4,m4a,3gp,3g2,mj2";

describe("choosing the segments' container", () => {
  it.each([
    ["mp4", "mp4:mp4"],
    ["m4v", "mp4:m4v"],
    ["mov", "mov:mov"],
    ["3gp", "3gp:3gp"],
  ])("keeps a %s what it was", (extension, first) => {
    expect(muxers(source(ISO, "h264"), extension)[0]).toBe(first);
  });

  it("falls back to MOV and Matroska for codecs that ffmpeg can't write into the source's container", () => {
    expect(muxers(source(ISO, "mpeg4", ["amr_nb"]), "3gp")).toEqual(["3gp:3gp", "mp4:mp4", "mov:mov", "matroska:mkv"]);
  });

  it("keeps WebM only for WebM's codecs", () => {
    expect(muxers(source("matroska,webm", "vp9", ["opus"]), "webm")[0]).toBe("webm:webm");
    expect(muxers(source("matroska,webm", "h264", ["opus"]), "webm")[0]).toBe("matroska:mkv");
  });

  it("uses the file's format, not its extension", () => {
    expect(muxers(source("matroska,webm", "h264"), "mp4")[0]).toBe("matroska:mkv");
    expect(muxers(source("mpegts", "h264"), "mp4")[0]).toBe("mpegts:ts");
  });

  it("keeps Ogg, which counts frames, only where all have one duration", () => {
    expect(muxers(source("ogg", "theora", ["vorbis"]), "ogv")).toEqual(["ogg:ogv", "matroska:mkv"]);
    expect(muxers(source("ogg", "theora", ["vorbis"]), "ogv", true)).toEqual(["matroska:mkv"]);
  });

  it("writes program streams as transport streams and Windows Media as Matroska", () => {
    expect(muxers(source("mpeg", "mpeg2video", ["mp2"]), "mpg")[0]).toBe("mpegts:ts");
    expect(muxers(source("asf", "wmv2", ["wmav2"]), "wmv")[0]).toBe("matroska:mkv");
  });
});
