import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { playedAudio } from "../../fixtures/played-audio.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=4:size=160x90:rate=25"];
const audio = (frequency: number) => ["-f", "lavfi", "-i", `sine=frequency=${frequency}:duration=4:sample_rate=48000`];
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"];

async function make(name: string, ...args: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...args, path);
  return path;
}

const cut = async (path: string, kind: "keyframe" | "exact" = "keyframe", segmentSeconds = 2) =>
  cutFile(path, { cut: kind, segmentSeconds, directory: await temporaryFolder() });

const TS_PACKET = 188;

/** Of 192 kb/s at 48 kHz. */
const AC3_FRAME_BYTES = 768;

/** A transport stream without the packets of one stream that its tables list. */
async function withoutStream(path: string, pid: number): Promise<string> {
  const bytes = await readFile(path);
  const packets = Array.from({ length: bytes.length / TS_PACKET }, (_, at) =>
    bytes.subarray(at * TS_PACKET, (at + 1) * TS_PACKET),
  );
  const kept = packets.filter((packet) => (packet.readUInt16BE(1) & 0x1fff) !== pid);
  await writeFile(path, Buffer.concat(kept));
  return path;
}

describe("audio tracks", () => {
  it.each(["keyframe", "exact"] as const)(
    "%s: a declared, empty one is left out and listed as omitted",
    async (kind) => {
      const codecs = ["-map", "0:v", "-map", "1:a", ...X264, "-c:a", "aac"];
      const path = await withoutStream(await make("empty.ts", ...VIDEO, ...audio(440), ...codecs), 0x101);
      const { segments, description } = await cut(path, kind, 1.5);
      expect(segments.map(({ audioCodecs }) => audioCodecs)).toEqual(segments.map(() => []));
      expect(description.others).toMatchObject([{ index: 1, type: "audio", codec: "aac" }]);
    },
  );

  it.each(["keyframe", "exact"] as const)("%s: one may end before the others in a transport stream", async (kind) => {
    const short = ["-f", "lavfi", "-i", "sine=frequency=880:duration=1.3:sample_rate=48000"];
    const maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a"];
    const path = await make("short.ts", ...VIDEO, ...audio(440), ...short, ...maps, ...X264, "-c:a", "ac3");
    const { segments } = await cut(path, kind, 1);
    expect(segments.map(({ proof }) => proof.frames)).toEqual([25, 25, 25, 25]);
    expect(segments.map(({ proof }) => proof.audio!.map((track) => track !== null))).toEqual([
      [true, true],
      [true, true],
      [true, false],
      [true, false],
    ]);
    expect(segments.every(({ audioCodecs }) => audioCodecs.length === 2)).toBe(true);
  });

  it("of a recording that was broken off may end with a part of a frame, in a segment of its own", async () => {
    const frames = await make("frames.ac3", ...audio(440), "-c:a", "ac3", "-b:a", "192k");
    // The last frame of a whole one is at 1.984 s, and the part at 2.016 s.
    await writeFile(frames, (await readFile(frames)).subarray(0, 63 * AC3_FRAME_BYTES + 320));
    const path = await make("broken-off.ts", ...VIDEO, "-i", frames, ...X264, "-bf", "0", "-c:a", "copy");
    const { segments } = await cut(path);
    expect(segments.map(({ proof }) => proof.frames)).toEqual([50, 50]);
    const packets = segments.map(({ path: segment }) =>
      ffprobe("-select_streams", "a", "-show_entries", "packet=size", "-of", "csv=p=0", segment),
    );
    const sizes = (await Promise.all(packets)).map((lines) => lines.match(/\d+/g)?.map(Number));
    expect(sizes).toEqual([Array.from({ length: 63 }, () => AC3_FRAME_BYTES), [320]]);
  });

  it("those of another program of a transport stream are left out and listed as omitted", async () => {
    const inputs = [...VIDEO, ...audio(440), ...VIDEO, ...audio(880)];
    const maps = ["-map", "0:v", "-map", "1:a", "-map", "2:v", "-map", "3:a"];
    const programmes = ["-program", "title=one:st=0:st=1", "-program", "title=two:st=2:st=3"];
    const path = await make("programmes.ts", ...inputs, ...maps, ...X264, "-c:a", "aac", ...programmes);
    const { segments, description } = await cut(path);
    expect(description.audio.map(({ index }) => index)).toEqual([1]);
    expect(description.others.map(({ index, type }) => [index, type])).toEqual([
      [2, "video"],
      [3, "audio"],
    ]);
    expect(segments.every(({ audioCodecs }) => audioCodecs.length === 1)).toBe(true);
  });

  it("keep their default flags", async () => {
    const maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-disposition:a:0", "0", "-disposition:a:1", "default"];
    const path = await make("default.mkv", ...VIDEO, ...audio(440), ...audio(880), ...maps, ...X264, "-c:a", "aac");
    const { segments } = await cut(path);
    for (const { path: segment } of segments) {
      const entries = ["-select_streams", "a", "-show_entries", "stream_disposition=default", "-of", "csv=p=0"];
      expect((await ffprobe(...entries, segment)).trim().split(/\s+/)).toEqual(["0", "1"]);
    }
  });

  it.each(["keyframe", "exact"] as const)(
    "%s: AAC with an ADTS header in each packet is copied from AVI",
    { tags: "full" },
    async (kind) => {
      const aac = await make("audio.aac", ...audio(440), "-c:a", "aac");
      const path = await make("adts.avi", ...VIDEO, "-i", aac, ...X264, "-bf", "0", "-c:a", "copy");
      const { segments } = await cut(path, kind);
      expect(segments.map(({ audioMade, audioCodecs }) => [audioMade, ...audioCodecs])).toEqual(
        segments.map(() => ["copied", "aac"]),
      );
      for (const segment of segments) {
        const { start, end } = (await playedAudio(segment.path))!;
        expect(start).toBeLessThan(0.03);
        expect(end).toBeGreaterThan(1.97);
      }
    },
  );
});
