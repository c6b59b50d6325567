import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { omittedSeconds } from "../../../services/split/domain/early-audio.ts";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { audioOfSegments, audioPackets, playedAudio } from "../../fixtures/played-audio.ts";
import { ffmpegAfter } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** An AAC frame at 48 kHz, and the rounding of Matroska and FLV. */
const FRAME_SECONDS = 1_024 / 48_000;
const ROUNDING_SECONDS = 0.0025;

/**
 * Six seconds with a keyframe every two; decode times are three frames before presentation times.
 */
async function make(name: string, rate = 25, ...more: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  const video = ["-f", "lavfi", "-i", `testsrc2=duration=6:size=160x90:rate=${rate}`];
  const audio = ["-f", "lavfi", "-i", "anoisesrc=colour=pink:seed=7:sample_rate=48000:amplitude=0.4:duration=6"];
  const groups = `keyint=${2 * rate}:min-keyint=${2 * rate}:scenecut=0:bframes=3:b-adapt=0:open-gop=0`;
  const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x264-params", groups];
  await ffmpeg(...video, ...audio, ...x264, "-c:a", "aac", ...more, path);
  return path;
}

const cut = async (path: string, kind: "keyframe" | "exact", segmentSeconds: number) =>
  cutFile(path, { cut: kind, segmentSeconds, directory: await temporaryFolder() });

describe("audio that is cut with the video", () => {
  const cuts: [string[], ["keyframe" | "exact", string, number, number][]][] = [
    [
      [],
      [
        ["keyframe", "two-second-groups.mp4", 25, 2],
        ["exact", "two-second-groups.mp4", 25, 1.5],
      ],
    ],
    [
      ["full"],
      [
        ["exact", "two-second-groups.mp4", 25, 2],
        ["keyframe", "two-second-groups.mkv", 25, 2],
        ["keyframe", "five-a-second.mp4", 5, 2],
        ["keyframe", "two-second-groups.mov", 25, 2],
        ["keyframe", "two-second-groups.ts", 25, 2],
        ["keyframe", "two-second-groups.flv", 25, 2],
      ],
    ],
  ];
  for (const [tags, each] of cuts)
    it.each(each)(
      "%s, %s at %i fps, %f s: each packet is in one segment, without gaps",
      { tags },
      async (kind, name, rate, seconds) => {
        const path = await make(name, rate);
        const { segments } = await cut(path, kind, seconds);
        expect(segments.length).toBeGreaterThanOrEqual(3);

        const packets = await Promise.all(segments.map((segment) => audioPackets(segment.path)));
        expect(packets.flat()).toEqual(await audioPackets(path));
        const source = (await playedAudio(path))!;
        const { all, joints } = await audioOfSegments(segments);
        expect(all).toHaveLength(segments.length);
        for (const joint of joints) expect(Math.abs(joint)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
        for (const { largestGap } of all) expect(largestGap).toBeLessThan(ROUNDING_SECONDS);
        expect(Math.abs(all[0]!.start - source.start)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
        expect(Math.abs(all.at(-1)!.end - source.end)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
      },
    );
});

describe("muxing H.264 and its audio in MP4", () => {
  it("decodes no frame to look for what the file states", async () => {
    const path = await make("two-second-groups.mp4");
    const directory = await temporaryFolder();
    const probed = join(directory, "probed");
    const note = `case "$*" in *-nofind_stream_info*.audio*) ;; *.audio*) touch ${probed} ;; esac`;
    const standIn = await ffmpegAfter(directory, note, "noting");
    const { segments } = await cutFile(path, { cut: "keyframe", segmentSeconds: 2, directory, standIn });
    expect(segments).toHaveLength(3);
    await expect(access(probed)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

/** Audio, and four seconds of video that begin `late` seconds after it. */
async function makeLate(name: string, late: number, ...codec: string[]): Promise<string> {
  const folder = await temporaryFolder();
  const [path, video] = [join(folder, name), join(folder, "video.mp4")];
  const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-bf", "2"];
  await ffmpeg("-f", "lavfi", "-i", "testsrc2=duration=4:size=160x90:rate=25", ...x264, video);
  const audio = ["-f", "lavfi", "-i", `sine=frequency=440:sample_rate=48000:duration=${late + 4}`];
  const muxed = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", ...codec];
  await ffmpeg("-itsoffset", String(late), "-i", video, ...audio, ...muxed, path);
  return path;
}

describe("video that begins later than the audio", () => {
  const aac = ["-c:a", "aac"];
  const late: ["keyframe" | "exact", number, string, number, string[]][] = [
    ["keyframe", 2, "late.mp4", 5, aac],
    ["exact", 1.5, "late.mp4", 5, aac],
    ["keyframe", 2, "late.mkv", 12, ["-c:a", "ac3"]],
    ["exact", 1.5, "late.ts", 5, aac],
    // In the first 20 seconds ffprobe finds no frame size.
    ["keyframe", 2, "late.ts", 25, aac],
    ["keyframe", 2, "late.flv", 5, aac],
  ];
  for (const [number, [kind, X, name, seconds, audio]] of late.entries()) {
    const tags = [0, 2].includes(number) ? [] : ["full"];
    it(`${kind}, ${X} s, ${name}, ${seconds} s: ten seconds of audio before it are in the first segment`, {
      tags,
    }, async () => {
      const path = await makeLate(name, seconds, ...audio);
      const { segments, description, plan } = await cut(path, kind, X);
      const { all, joints } = await audioOfSegments(segments);
      const kept = Math.min(10, seconds);
      // A transport stream begins with the audio packet that its muxer had buffered.
      expect(Math.abs(all[0]!.start + kept)).toBeLessThan(FRAME_SECONDS + 0.015);
      for (const joint of joints) expect(Math.abs(joint)).toBeLessThan(0.035);
      expect(segments[0]!.proof.start).toBe(0);
      expect(segments.at(-1)!.proof.end).toBeCloseTo(4, 1);
      const starts = description.audio.map(({ start }) => start);
      expect(Math.abs(omittedSeconds(plan.origin, starts) - (seconds - kept))).toBeLessThan(0.05);
    });
  }
});

describe("other audio codecs", () => {
  it("AAC in LATM is copied in a transport stream", { tags: "full" }, async () => {
    const path = await make("latm.ts", 25, "-mpegts_flags", "latm");
    const { segments } = await cut(path, "exact", 1.5);
    expect(
      segments.every(({ audioCodecs, audioMade }) => audioMade === "copied" && audioCodecs[0] === "aac_latm"),
    ).toBe(true);
    const packets = await Promise.all(segments.map((segment) => audioPackets(segment.path)));
    expect(packets.flat()).toEqual(await audioPackets(path));
  });

  it("Opus has the same bytes, whichever segment an attempt begins with", { tags: "full" }, async () => {
    const path = await make("opus.mkv", 25, "-c:a", "libopus");
    const bytesFrom = async (from: number) => {
      const directory = await temporaryFolder();
      const { files } = await cutFile(path, { cut: "keyframe", segmentSeconds: 2, from, directory });
      return Promise.all(files.map((file) => readFile(file)));
    };
    const [, ...later] = await bytesFrom(0);
    expect(later).toHaveLength(2);
    expect(await bytesFrom(1)).toEqual(later);
  });

  it("PCM is cut at the exact sample, also in AVI, which stores no audio times", { tags: "full" }, async () => {
    const path = await make("pcm.avi", 25, "-c:a", "pcm_s16le", "-bf", "0");
    const { segments } = await cut(path, "keyframe", 2);
    expect(segments.map(({ audioMade }) => audioMade)).toEqual(["copied", "copied", "copied"]);
    const { all } = await audioOfSegments(segments);
    for (const [number, { start, end }] of all.entries()) {
      expect(start).toBeCloseTo(2 * number, 3);
      expect(end).toBeCloseTo(2 * number + 2, 3);
    }
  });

  it("is whole as PCM in Matroska, which states no durations", async () => {
    // A cluster each second; nothing states the duration of its last packet.
    const groups = ["-x264-params", "keyint=25:min-keyint=25:scenecut=0"];
    const path = await make("pcm.mkv", 25, ...groups, "-c:a", "pcm_s16le");
    const { segments } = await cut(path, "keyframe", 4);
    const { joints } = await audioOfSegments(segments);
    expect(joints).toHaveLength(1);
    expect(Math.abs(joints[0]!)).toBeLessThan(ROUNDING_SECONDS);
    expect(segments[0]!.proof.audio![0]!.largestGap).toBeLessThan(ROUNDING_SECONDS);
  });

  it("a codec that no container holds without gaps is encoded, and the event says so", async () => {
    const path = await make("windows.wmv", 25, "-c:v", "wmv2", "-c:a", "wmav2");
    const { segments } = await cut(path, "keyframe", 2);
    expect(segments.every(({ audioCodecs, audioMade }) => audioMade === "encoded" && audioCodecs[0] === "aac")).toBe(
      true,
    );
    const { joints } = await audioOfSegments(segments);
    for (const joint of joints) expect(Math.abs(joint)).toBeLessThan(FRAME_SECONDS + ROUNDING_SECONDS);
  });
});
