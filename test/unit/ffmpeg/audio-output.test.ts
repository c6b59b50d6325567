import { describe, expect, it } from "vitest";
import { audioOutputFor } from "../../../services/ffmpeg/assembly/audio-output.ts";

const way = (codec: string, muxer = "mp4") => {
  const track = {
    index: 1,
    codec,
    language: "und",
    lead: 0,
    rate: 48_000,
    channels: 2,
    isWide: false,
    isAdts: false,
    isDefault: true,
  };
  return audioOutputFor(track, { muxer, extension: "", contentType: "" });
};

describe("how an audio track is written into segments", () => {
  it.each(["aac", "aac_latm", "amr_nb", "amr_wb", "mp3", "ac3", "opus", "flac", "pcm_s16be", "pcm_mulaw"])(
    "%s is copied",
    (codec) => {
      expect(way(codec)).toMatchObject({ codec, isEncoded: false, muxEncoder: undefined });
      expect(way(codec).readOptions).toContain("copy");
    },
  );

  it.each(["wmav2", "wmapro", "nellymoser", "qdm2", "s302m"])("%s is encoded", (codec) => {
    expect(way(codec)).toMatchObject({ codec: "aac", isEncoded: true, muxEncoder: undefined });
  });

  it("PCM of a disc keeps its samples: in blocks in a transport stream, plain elsewhere", () => {
    const disc = { codec: "pcm_bluray", isEncoded: false, muxEncoder: "pcm_bluray" };
    expect(way("pcm_bluray", "mpegts")).toMatchObject(disc);
    expect(way("pcm_dvd", "mpegts")).toMatchObject(disc);
    expect(way("pcm_bluray", "matroska")).toMatchObject({
      codec: "pcm_s16le",
      isEncoded: false,
      muxEncoder: undefined,
    });
  });
});
