import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeSource, FfprobeOutput } from "../../../services/ffmpeg/source/describe.ts";

/** Real output of `ffprobe -show_format -show_streams -of json` (5.1), without the file name. */
const described = (trait: string) => {
  const text = readFileSync(new URL(`../../fixtures/ffprobe/${trait}.json`, import.meta.url), "utf8");
  return describeSource(FfprobeOutput.parse(JSON.parse(text)));
};

describe("describing a source from ffprobe's output", () => {
  it("returns the size as displayed: a quarter turn swaps the coded 1920x1080", () => {
    expect(described("rotated-phone-hevc-with-data-tracks").video).toMatchObject({ codec: "hevc", size: [1080, 1920] });
  });

  it("uses the average frame rate, not the base rate of 57600", () => {
    const { video } = described("variable-frame-rate-57600");
    expect(video?.averageFps).toBeCloseTo(7.22, 2);
  });

  it("lists data tracks among the others", () => {
    const { video, audio, others } = described("gopro-data-tracks");
    expect(video).toMatchObject({ index: 0, codec: "h264" });
    expect(audio).toHaveLength(1);
    expect(others.map(({ type, tag }) => [type, tag])).toEqual([
      ["data", "tmcd"],
      ["data", "gpmd"],
      ["data", "fdsc"],
    ]);
  });

  it("uses the first video track and every audio track; lists the second video track and the subtitles among the others", () => {
    const { video, audio, others } = described("two-videos-two-audios-subtitles");
    expect(video?.size).toEqual([320, 180]);
    expect(audio.map(({ index }) => index)).toEqual([1, 4]);
    expect(others.map(({ type }) => type)).toEqual(["subtitle", "video", "subtitle"]);
  });

  it("finds no video in an audio recording", () => {
    expect(described("audio-only").video).toBeUndefined();
  });

  it("doesn't take cover art for video", () => {
    const { video, others } = described("audio-with-cover-art");
    expect(video).toBeUndefined();
    expect(others).toMatchObject([{ type: "video", codec: "png" }]);
  });

  it("describes a codec that ffmpeg doesn't know by its tag", () => {
    expect(described("codec-unknown-to-ffmpeg-5").video).toMatchObject({ codec: undefined, tag: "vvc1" });
  });
});

describe("audio tracks that are left out", () => {
  const video = { index: 0, codec_type: "video", codec_name: "h264", width: 16, height: 9 };
  const audio = (index: number, more: object = {}) => ({
    ...{ index, codec_type: "audio", codec_name: "aac", sample_rate: "48000", start_time: "0.000000" },
    ...more,
  });
  const tracksOf = (streams: object[], programs: object[] = []) => {
    const { audio, others } = describeSource(
      FfprobeOutput.parse({ streams, programs, format: { format_name: "mpegts" } }),
    );
    return { audio: audio.map(({ index }) => index), others: others.map(({ index }) => index) };
  };

  it("have no parameters or no packet", () => {
    const streams = [video, audio(1, { sample_rate: "0" }), audio(2, { start_time: "N/A" }), audio(3)];
    expect(tracksOf(streams)).toEqual({ audio: [3], others: [1, 2] });
  });

  it("belong to another program than the video", () => {
    const programs = [{ streams: [{ index: 2 }] }, { streams: [{ index: 0 }, { index: 1 }] }];
    expect(tracksOf([video, audio(1), audio(2)], programs)).toEqual({ audio: [1], others: [2] });
    expect(tracksOf([video, audio(1), audio(2)])).toEqual({ audio: [1, 2], others: [] });
  });
});
