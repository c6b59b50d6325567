import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { ffmpegLines, messagesOf, ownChild } from "../tools.ts";
import type { VideoTrack } from "../video.ts";
import type { Measured } from "./measure.ts";

/** In place of the hash of a frame that a decoder can't be given. */
export const UNKNOWN_HASH = "unknown";

/** What a decoder makes of a track: an MD5 of each frame, in the order of its output. */
export type Decoded = { hashes: readonly string[]; messages: ReadonlyMap<string, number> };

/** A decoder beside the one that frames are measured with. */
export type Decoder = {
  name: string;
  /** Undefined for a kind of video that it doesn't support. */
  decode(measured: Measured): Promise<Decoded | undefined>;
};

/** Decodes with two threads, unlike the measuring decoder: threads divide frames. */
async function decodeWithFfmpeg(binary: string, { path, index, decoder }: VideoTrack): Promise<Decoded> {
  const { messages, listen } = messagesOf("warnings");
  const hashes: string[] = [];
  const choice = decoder === undefined ? [] : [`-c:${index}`, decoder];
  const input = [...["-threads", "2"], ...choice, "-noautorotate", "-copyts", "-i", path, "-map", `0:${index}`];
  const output = ["-vsync", "passthrough", "-f", "framehash", "-hash", "md5", "pipe:1"];
  await ffmpegLines(
    [...input, ...output],
    {
      onLine: (line) => {
        if (!line.startsWith("#")) hashes.push(line.split(",")[5]!.trim());
      },
      onMessage: listen,
    },
    binary,
  );
  return { hashes, messages };
}

/** Another ffmpeg. Throws when it doesn't run. */
export async function ffmpegDecoder(binary: string): Promise<Decoder> {
  const lines: string[] = [];
  await ffmpegLines(["-version"], { onLine: (line) => void lines.push(line) }, binary);
  const [, version] = /^ffmpeg version (\S+)/.exec(lines[0] ?? "") ?? [];
  return { name: `ffmpeg ${version ?? "?"}`, decode: ({ track }) => decodeWithFfmpeg(binary, track) };
}

/** The planes of a frame in memory as GStreamer lays them out: rows begin at multiples of 4 bytes. */
const roundUp = (value: number, by: number): number => Math.ceil(value / by) * by;

function planesOf([width, height]: readonly [number, number]) {
  const luma = { stride: roundUp(width, 4), rows: roundUp(height, 2), width, height };
  const [chromaWidth, chromaHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const chroma = {
    stride: roundUp(roundUp(width, 2) / 2, 4),
    ...{ rows: roundUp(height, 2) / 2, width: chromaWidth, height: chromaHeight },
  };
  return [luma, chroma, chroma];
}

/** An MD5 of each frame of a stream of 4:2:0 frames, without the bytes between rows. */
async function hashesOf(stream: Readable, size: readonly [number, number]): Promise<string[]> {
  const planes = planesOf(size);
  const bytes = planes.reduce((sum, { stride, rows }) => sum + stride * rows, 0);
  const hashes: string[] = [];
  let frame = Buffer.alloc(0);
  const hash = (whole: Buffer): string => {
    const md5 = createHash("md5");
    let from = 0;
    for (const { stride, rows, width, height } of planes) {
      if (stride === width) md5.update(whole.subarray(from, from + stride * height));
      else
        for (let row = 0; row < height; row += 1)
          md5.update(whole.subarray(from + row * stride, from + row * stride + width));
      from += stride * rows;
    }
    return md5.digest("hex");
  };
  let waiting: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < bytes) continue;
    frame = Buffer.concat(waiting);
    let at = 0;
    for (; at + bytes <= frame.length; at += bytes) hashes.push(hash(frame.subarray(at, at + bytes)));
    waiting = [Buffer.from(frame.subarray(at))];
    length = frame.length - at;
  }
  return hashes;
}

const GSTREAMER = "gst-launch-1.0";
const PIPELINE = ["!", "h264parse", "!", "openh264dec", "!"];

const PLAIN_FORMATS = ["yuv420p", "yuvj420p"];

/** GStreamer 1.22 reports an error for a stream of a single picture. */
const MIN_PICTURES = 3;

/** Pipelines of one process: each keeps some frames in memory. */
const MAX_PIPELINES = 8;

const SLICE = 1;
const IDR_SLICE = 5;

/** A group of pictures as a stream with start codes, from its parameter sets on. */
type Group = { stream: Buffer; pictures: number };

/** Divides a stream with start codes at its IDR pictures, each with the units in front of it. */
export function groupsOf(stream: Buffer): Group[] {
  const starts: { at: number; pictures: number }[] = [{ at: 0, pictures: 0 }];
  /** Where the units behind the last picture begin. */
  let between: number | undefined = 0;
  for (let at = stream.indexOf("000001", 0, "hex"); at !== -1; at = stream.indexOf("000001", at + 3, "hex")) {
    const begin = stream[at - 1] === 0 ? at - 1 : at;
    const type = stream[at + 3]! & 31;
    if (type < SLICE || type > IDR_SLICE) {
      between ??= begin;
      continue;
    }
    // first_mb_in_slice is 0: the first bit is 1.
    const beginsPicture = (stream[at + 4]! & 0x80) !== 0;
    if (type === IDR_SLICE && beginsPicture) starts.push({ at: between ?? begin, pictures: 0 });
    if (beginsPicture) starts.at(-1)!.pictures += 1;
    between = undefined;
  }
  const groups = starts.map(({ at, pictures }, number) => ({
    ...{ stream: stream.subarray(at, starts[number + 1]?.at ?? stream.length), pictures },
  }));
  return groups.filter(({ pictures }) => pictures > 0);
}

/** Runs one GStreamer that decodes some files, each to a file of frames. Resolves with its errors. */
async function runGStreamer(files: readonly string[]): Promise<string> {
  const pipelines = files.flatMap((file) => [
    ...["filesrc", `location=${file}`, ...PIPELINE],
    ...["filesink", `location=${file}.yuv`],
  ]);
  const child = spawn(GSTREAMER, ["-q", ...pipelines], { stdio: ["ignore", "ignore", "pipe"] });
  ownChild(child);
  const closed = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const [said, code] = await Promise.all([text(child.stderr), closed]);
  return code === 0 ? said : `exit code ${code}: ${said}`;
}

/**
 * OpenH264 shares no code with ffmpeg's decoder. It supports 4:2:0 with 8 bits, without interlacing.
 * Each group of pictures is decoded by itself, unless it's very small: version 2.3 loses frames that
 * wait for their time when an IDR picture follows.
 */
async function decodeWithOpenH264({ stream, track, video }: Measured): Promise<Decoded | undefined> {
  const [first] = video.frames;
  if (stream.codec_name !== "h264" || first === undefined || !PLAIN_FORMATS.includes(first.pixelFormat))
    return undefined;
  const folder = await mkdtemp(join(tmpdir(), "video-split-groups-"));
  try {
    const whole = join(folder, "whole.h264");
    const copy = ["-map", `0:${track.index}`, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", whole];
    await ffmpegLines(["-i", track.path, ...copy], {});
    const groups = groupsOf(await readFile(whole));
    const messages = new Map<string, number>();
    const large = groups.flatMap(({ pictures }, at) => (pictures < MIN_PICTURES ? [] : [at]));
    const hashes = groups.map(({ pictures }): string[] => new Array(pictures).fill(UNKNOWN_HASH));
    for (let from = 0; from < large.length; from += MAX_PIPELINES) {
      const decoded = large.slice(from, from + MAX_PIPELINES);
      const fileOf = (at: number): string => join(folder, `${at}.h264`);
      for (const at of decoded) await writeFile(fileOf(at), groups[at]!.stream);
      const said = await runGStreamer(decoded.map(fileOf));
      if (said !== "") messages.set(said.split("\n")[0]!, 1);
      for (const at of decoded) {
        hashes[at] = await hashesOf(createReadStream(`${fileOf(at)}.yuv`), first.size);
        await rm(`${fileOf(at)}.yuv`);
      }
    }
    return { hashes: hashes.flat(), messages };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** OpenH264 by GStreamer; undefined where that isn't installed. */
export async function openH264Decoder(): Promise<Decoder | undefined> {
  const found = await new Promise<boolean>((resolve) => {
    const child = spawn("gst-inspect-1.0", ["openh264dec"], { stdio: "ignore" });
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
  });
  return found ? { name: "OpenH264", decode: decodeWithOpenH264 } : undefined;
}
