import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isIso } from "../../../services/ffmpeg/formats/containers.ts";
import { proveSegment } from "../../../services/ffmpeg/proof/prove-segment.ts";
import { cutFile, NEVER } from "../../fixtures/cut.ts";
import { binaries, ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const input = (filter: string) => ["-f", "lavfi", "-i", filter];
const video = (rate: string, seconds: number) => input(`testsrc2=duration=${seconds}:size=160x90:rate=${rate}`);
const x264 = (group: number) => ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", String(group)];

async function make(name: string, ...args: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...args, "-pix_fmt", "yuv420p", path);
  return path;
}

const cutIn3 = async (path: string, cut: "keyframe" | "exact") =>
  cutFile(path, { cut, segmentSeconds: 3, directory: await temporaryFolder() });

type Probed = { packets: { pts_time: string }[]; streams: { duration?: string }[] };

/**
 * Seconds from a file's first frame to the end of its last, by its packets, and by its header (MP4,
 * MOV).
 */
async function lengthOf(path: string, frameSeconds: number) {
  const entries = ["-show_entries", "packet=pts_time:stream=duration", "-of", "json"];
  const { packets, streams } = JSON.parse(await ffprobe("-select_streams", "v:0", ...entries, path)) as Probed;
  const times = packets.map(({ pts_time }) => Number(pts_time));
  const byHeader = streams[0]?.duration;
  return {
    byPackets: Math.max(...times) - Math.min(...times) + frameSeconds,
    byHeader: byHeader === undefined ? undefined : Number(byHeader),
  };
}

/** Two times are compared, which Matroska and FLV round to milliseconds. */
const roundingOf = (path: string): number => (/(mkv|webm|flv)$/.test(path) ? 0.0021 : 0.00005);

describe("a segment's measured end", () => {
  // 268 frames: 10.72 seconds.
  it.each<["keyframe" | "exact", string, number]>([
    ["keyframe", "short-tail.mp4", 25],
    ["exact", "short-tail.mp4", 35],
    ["exact", "short-tail.mkv", 35],
    ["exact", "short-tail.ts", 35],
  ])(
    "%s, %s: a last segment of 43 frames at 25 fps from 9 on ends at 10.72",
    { tags: "full" },
    async (cut, name, group) => {
      const path = await make(name, ...video("25", 10.72), ...x264(group));
      const { segments } = await cutIn3(path, cut);
      const { frames, start, end } = segments.at(-1)!.proof;
      expect({ frames, start: start.toFixed(2), end: end.toFixed(2) }).toEqual({
        frames: 43,
        start: "9.00",
        end: "10.72",
      });
    },
  );

  const files: ["keyframe" | "exact", string, string, number, string[]][] = [
    ["keyframe", "ntsc.mp4", "30000/1001", 1001 / 30000, x264(30)],
    ["keyframe", "ntsc.mkv", "30000/1001", 1001 / 30000, x264(30)],
    [
      "keyframe",
      "mpeg4.mov",
      "24",
      1 / 24,
      ["-c:v", "mpeg4", "-flags", "+cgop", "-sc_threshold", "1000000000", "-bf", "2", "-g", "24"],
    ],
    ["keyframe", "vp8.webm", "25", 1 / 25, ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "25"]],
    ["keyframe", "flash.flv", "25", 1 / 25, x264(25)],
    ["exact", "film.mp4", "24000/1001", 1001 / 24000, x264(35)],
    ["exact", "film.mkv", "24000/1001", 1001 / 24000, x264(35)],
    ["exact", "vp8.webm", "25", 1 / 25, ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "35"]],
    ["exact", "broadcast.ts", "50", 1 / 50, x264(70)],
  ];
  for (const [cut, name, rate, frame, codec] of files) {
    const tags = ["ntsc.mp4", "film.mkv"].includes(name) ? [] : ["full"];
    it(`${cut}, ${name} at ${rate} fps: is the end of the file's packets, and the start of the next segment`, {
      tags,
    }, async () => {
      const path = await make(name, ...video(rate, 7), ...codec);
      const { segments, container } = await cutIn3(path, cut);
      expect(segments.length).toBeGreaterThan(1);
      const rounding = roundingOf(name);
      for (const [at, { proof, path: file }] of segments.entries()) {
        const { byPackets, byHeader } = await lengthOf(file, frame);
        expect(Math.abs(proof.end - proof.start - byPackets)).toBeLessThan(rounding);
        if (isIso(container)) expect(Math.abs(proof.end - proof.start - byHeader!)).toBeLessThan(rounding);
        const next = segments[at + 1]?.proof.start ?? proof.end;
        expect(Math.abs(proof.end - next)).toBeLessThan(rounding);
      }
    });
  }

  it.each([
    ["states-durations.mp4", "mp4", 0.04],
    ["states-durations.mkv", "matroska", 0.04],
    ["states-a-rate.avi", "avi", 0.04],
    ["states-none.ts", "mpegts", 0.5],
    ["states-none.flv", "flv", 0.5],
  ])("%s: the file's word on its last frame counts, and the source's where it has none", async (name, muxer, lasts) => {
    const path = await make(name, ...video("25", 1), "-c:v", muxer === "avi" ? "mjpeg" : "libx264", "-bf", "0");
    const container = { muxer, extension: "", contentType: "" };
    const file = {
      binary: (await binaries).ffmpeg,
      ffprobe: (await binaries).ffprobe,
      directory: await temporaryFolder(),
      path,
      audio: [],
      container,
      signal: NEVER,
    };
    const { end } = await proveSegment(file, {
      hash: crc32,
      frames: Array.from({ length: 25 }, (_, frame) => ({ time: frame * 0.04, hash: undefined })),
      start: 7,
      lastDuration: 0.5,
      audio: [],
      rounding: 0.0011,
      startsOnKey: true,
      mustDecode: true,
    });
    expect(end).toBeCloseTo(7 + 24 * 0.04 + lasts, 3);
  });
});
