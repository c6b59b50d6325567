import { open, readFile, stat, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readSegment } from "../../../services/ffmpeg/proof/read-segment.ts";
import type { PacketHandlers, SegmentFile, VideoPacket } from "../../../services/ffmpeg/proof/segment-file.ts";
import { NEVER } from "../../fixtures/cut.ts";
import { descriptorsOf } from "../../fixtures/descriptors.ts";
import { binaries, ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const MUXERS: Readonly<Record<string, string>> = { ".mkv": "matroska", ".ts": "mpegts", ".ogv": "ogg" };

/** A file with one audio track. */
async function segmentFileOf(path: string, signal = NEVER): Promise<SegmentFile> {
  const extension = extname(path);
  const muxer = MUXERS[extension] ?? extension.slice(1);
  const container = { muxer, extension: extension.slice(1), contentType: "" };
  const { ffmpeg: binary, ffprobe } = await binaries;
  const audio = [{ isEmpty: false }];
  return { binary, ffprobe, directory: await temporaryFolder(), path, audio, container, signal };
}

async function readAll(path: string) {
  const video: VideoPacket[] = [];
  const audio: number[] = [];
  await readSegment(await segmentFileOf(path), {
    onVideo: (packet) => void video.push({ ...packet, data: Buffer.from(packet.data) }),
    onAudio: (_track, time) => void audio.push(time),
  });
  return { video, audio };
}

type Probed = { codec_type: string; pts_time?: string; dts_time?: string; size: string; flags: string };

/** A file's packets, from ffprobe. */
async function probed(path: string) {
  const entries = "packet=codec_type,pts_time,dts_time,size,flags";
  const { packets } = JSON.parse(await ffprobe("-show_entries", entries, "-of", "json", path)) as { packets: Probed[] };
  const ofType = (type: string) => packets.filter(({ codec_type }) => codec_type === type);
  return { video: ofType("video"), audio: ofType("audio") };
}

const input = (filter: string) => ["-f", "lavfi", "-i", filter];
const VIDEO = input("testsrc2=duration=3:size=160x96:rate=25");
const AUDIO = input("sine=frequency=440:duration=3:sample_rate=48000");
const B_FRAMES = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "3"];

const FILES: Readonly<Record<string, string[]>> = {
  "b-frames.mp4": [...B_FRAMES, "-c:a", "aac"],
  "starts-at-5-s.mp4": [...B_FRAMES, "-c:a", "aac", "-output_ts_offset", "5"],
  "begins-before-zero.mp4": [...B_FRAMES, "-c:a", "aac", "-avoid_negative_ts", "disabled", "-ss", "0.7"],
  "fragmented.mp4": [...B_FRAMES, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+delay_moov"],
  "alac.mov": [...B_FRAMES, "-c:a", "alac"],
  "mpeg4.3gp": ["-c:v", "mpeg4", "-bf", "2", "-c:a", "aac"],
  "mpeg2-eac3.mp4": ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "eac3"],
  "prores.mov": ["-c:v", "prores_ks", "-c:a", "aac"],
  "motion-jpeg.mov": ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "aac"],
  "h264-opus.mkv": [...B_FRAMES, "-c:a", "libopus"],
  "starts-at-5-s.mkv": [...B_FRAMES, "-c:a", "aac", "-output_ts_offset", "5"],
  "mpeg2-mp2.mkv": ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"],
  "mpeg4-ac3.mkv": ["-c:v", "mpeg4", "-bf", "2", "-c:a", "ac3"],
  "prores.mkv": ["-c:v", "prores_ks", "-c:a", "pcm_s24le"],
  "ffv1-flac.mkv": ["-c:v", "ffv1", "-c:a", "flac"],
  "theora-vorbis.mkv": ["-c:v", "libtheora", "-c:a", "libvorbis"],
  "windows-media.mkv": ["-c:v", "wmv2", "-c:a", "wmav2"],
  "vp8.webm": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"],
  "transport-stream.ts": [...B_FRAMES, "-c:a", "aac"],
  "motion-jpeg.avi": ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "libmp3lame"],
  "flash.flv": [...B_FRAMES, "-c:a", "aac", "-ar", "44100"],
  "theora.ogv": ["-c:v", "libtheora", "-c:a", "libvorbis"],
};

/** One file per container. */
const ONE_OF_EACH = [
  "b-frames.mp4",
  "fragmented.mp4",
  "h264-opus.mkv",
  "transport-stream.ts",
  "flash.flv",
  "theora.ogv",
];

const make = async (name: string): Promise<string> => {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...VIDEO, ...AUDIO, ...FILES[name]!, path);
  return path;
};

/** ffprobe rounds a codec's delay (Opus: 6.5 ms) to the container's milliseconds. */
const AUDIO_TOLERANCE = 0.0011;

describe("reading a segment file", () => {
  for (const name of Object.keys(FILES))
    it(`${name}: finds the packets that ffprobe finds: times, sizes, key flags`, {
      tags: ONE_OF_EACH.includes(name) ? [] : ["full"],
    }, async () => {
      const path = await make(name);
      const { video, audio } = await readAll(path);
      const expected = await probed(path);

      expect(video.map(({ data }) => data.length)).toEqual(expected.video.map(({ size }) => Number(size)));
      for (const [at, { time, key }] of video.entries()) {
        const { pts_time, dts_time, flags } = expected.video[at]!;
        expect(time).toBeCloseTo(Number(pts_time ?? dts_time), 5);
        if (key !== undefined) expect(key).toBe(flags.startsWith("K"));
      }
      expect(audio).toHaveLength(expected.audio.length);
      for (const [at, { pts_time }] of expected.audio.entries())
        expect(Math.abs(audio[at]! - Number(pts_time))).toBeLessThan(AUDIO_TOLERANCE);
    });

  it.each(["b-frames.mp4", "h264-opus.mkv", "transport-stream.ts"])(
    "%s: ends immediately when aborted, whatever it waits for, and closes the file",
    async (name) => {
      const path = await make(name);
      const stop = new AbortController();
      const reading = readSegment(await segmentFileOf(path, stop.signal), {
        onVideo: () => {
          setImmediate(() => stop.abort(new Error("no longer needed")));
          return new Promise<void>(() => {});
        },
        onAudio: () => {},
      });
      await expect(reading).rejects.toThrow("no longer needed");
      expect(await descriptorsOf(path)).toBe(0);
      await expect(readSegment(await segmentFileOf(path, stop.signal), NOTHING)).rejects.toThrow("no longer needed");
    },
  );

  it.each(["b-frames.mp4", "h264-opus.mkv"])("%s: closes the file when a handler throws", async (name) => {
    const path = await make(name);
    const refusal = new Error("not this one");
    const onVideo = () => Promise.reject(refusal);
    await expect(readSegment(await segmentFileOf(path), { ...NOTHING, onVideo })).rejects.toBe(refusal);
    expect(await descriptorsOf(path)).toBe(0);
  });

  it.each(["b-frames.mp4", "h264-opus.mkv"])("%s: a damaged file fails the proof, and is closed", async (name) => {
    const path = await make(name);
    const file = await segmentFileOf(path);
    const whole = await readFile(path);
    for (const damaged of [Buffer.alloc(1_000), whole.subarray(0, 200), Buffer.alloc(0)]) {
      await writeFile(path, damaged);
      await expect(readSegment(file, NOTHING)).rejects.toMatchObject({ code: "CutFailed", reason: "ProofFailed" });
      expect(await descriptorsOf(path)).toBe(0);
    }
  });

  it("a disk error doesn't count as a damaged file", async () => {
    const path = await make("b-frames.mp4");
    const file = await segmentFileOf(path);
    const handle = await open(path);
    const read = vi.spyOn(Object.getPrototypeOf(handle), "read").mockRejectedValue(new Error("EIO: i/o error"));
    onTestFinished(() => read.mockRestore());
    await handle.close();
    await expect(readSegment(file, NOTHING)).rejects.toThrow(/^EIO/);
    await expect(readSegment({ ...file, path: `${path}.gone` }, NOTHING)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each(["long.mp4", "long.mkv"])(
    "%s: reads little ahead of the packets passed on, and nothing twice",
    async (name) => {
      const short = join(await temporaryFolder(), "short.mp4");
      const noise = input("testsrc2=duration=4:size=320x180:rate=25,noise=alls=40:allf=t");
      const audio = input("sine=frequency=440:duration=4:sample_rate=48000");
      await ffmpeg(...noise, ...audio, ...B_FRAMES, "-qp", "8", "-c:a", "aac", short);
      const path = join(await temporaryFolder(), name);
      await ffmpeg("-stream_loop", "3", "-i", short, "-c", "copy", "-movflags", "+faststart", path);
      const { size } = await stat(path);
      const file = await segmentFileOf(path);

      const read = await countReads(path);
      let handed = 0;
      let ahead = 0;
      await readSegment(file, {
        onVideo: ({ data }) => {
          handed += data.length;
          ahead = Math.max(ahead, read() - handed);
        },
        onAudio: () => {},
      });
      expect(size).toBeGreaterThan(30_000_000);
      // ffmpeg's clusters have at most 5 MB.
      expect(ahead).toBeLessThan(8_000_000);
      expect(read()).toBeLessThan(1.1 * size);
    },
  );
});

const NOTHING: PacketHandlers = { onVideo: () => {}, onAudio: () => {} };

/** Counts the bytes that are read through file handles. */
async function countReads(path: string) {
  const file = await open(path);
  const spy = vi.spyOn(Object.getPrototypeOf(file), "read");
  await file.close();
  onTestFinished(() => spy.mockRestore());
  let counted = 0;
  return () => {
    for (const [, , length] of spy.mock.calls.splice(0)) counted += Number(length);
    return counted;
  };
}
