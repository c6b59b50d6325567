import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openForbiddenServer } from "../fixtures/forbidden-server.ts";
import { ffmpeg } from "../fixtures/media.ts";
import { split } from "../fixtures/split-world.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/**
 * Attacks. Each upload must be rejected quickly, must not lead to any request, and must reveal
 * nothing about this machine.
 */

const SECRET = "s3cr3t-of-the-environment";

async function upload(bytes: Buffer | string, name = "film.mp4") {
  process.env.AWS_SECRET_ACCESS_KEY = SECRET;
  onTestFinished(() => {
    delete process.env.AWS_SECRET_ACCESS_KEY;
  });
  const file = join(await temporaryFolder(), name);
  await writeFile(file, bytes);
  const segments: Buffer[] = [];
  const { outcome, events, left } = await split({
    file,
    cut: "exact",
    request: { key: `uploads/${name}` },
    onUpload: async (_key, path) => void segments.push(await readFile(path)),
  });
  expect(left).toEqual([]);
  expect(JSON.stringify(events) + String(outcome)).not.toContain(SECRET);
  expect(segments.some((segment) => segment.includes(SECRET) || segment.includes("PATH="))).toBe(false);
  return { outcome, events };
}

const rejected = (reason: unknown) => ({ outcome: "rejected", reason });

const TARGETS = ["file:///proc/self/environ", "http://169.254.169.254/latest/meta-data/", "LOOPBACK"];

describe("an upload that names other hosts is rejected, and they get no request", () => {
  const shapes: Record<string, (target: string) => string> = {
    "a playlist": (target) =>
      `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${target}\n#EXT-X-ENDLIST\n`,
    "a playlist of playlists": (target) => `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${target}\n`,
    "a playlist with a key": (target) =>
      `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="${target}"\n#EXTINF:10,\n${target}\n#EXT-X-ENDLIST\n`,
    "a concat script": (target) => `ffconcat version 1.0\nfile '${target}'\n`,
    "a DASH manifest": (target) =>
      `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><BaseURL>${target}</BaseURL></Period></MPD>`,
    "a session description": (target) =>
      `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nu=${target}\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
    "a vector image": (target) =>
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="${target}"/></svg>`,
    "an image sequence's name": (target) => `${target}/frame%03d.png`,
  };
  const cases = Object.keys(shapes).flatMap((shape) => TARGETS.map((target): [string, string] => [shape, target]));

  it.each(cases)("%s that names %s", async (shape, target) => {
    const { url, requests } = await openForbiddenServer();
    const { outcome } = await upload(shapes[shape]!(target === "LOOPBACK" ? url : target));
    expect(outcome).toMatchObject(rejected("NotMedia"));
    expect(requests).toEqual([]);
  });

  it.each(TARGETS)("an MP4 whose data is declared to be at %s", async (target) => {
    const { url, requests } = await openForbiddenServer();
    const { outcome } = await upload(withExternalData(await film(), target === "LOOPBACK" ? url : target));
    expect(outcome).toMatchObject({ outcome: "rejected" });
    expect(requests).toEqual([]);
  });
});

describe("what would take all the memory or time there is", () => {
  it("a frame of 16,383 times 16,383 pixels in one small packet", async () => {
    const path = join(await temporaryFolder(), "film.webm");
    const video = "testsrc2=duration=5:size=96x64:rate=25";
    await ffmpeg("-f", "lavfi", "-i", video, ..."-c:v libvpx -deadline realtime -cpu-used 8 -g 999".split(" "), path);
    const bytes = await readFile(path);
    // VP8's start code is followed by width and height, 14 bits each. RFC 6386, section 9.1.
    for (let at = bytes.indexOf("9d012a", "hex"); at !== -1; at = bytes.indexOf("9d012a", at + 3, "hex")) {
      bytes.writeUInt16LE(16_383, at + 3);
      bytes.writeUInt16LE(16_383, at + 5);
    }
    const { outcome } = await upload(bytes, "film.webm");
    expect(outcome).toMatchObject({ outcome: "rejected" });
  });

  it("a header of 65,535 times 65,535 pixels is ignored if the frames have another size", async () => {
    const bytes = await film();
    bytes.writeUInt32BE(0xffffffff, bytes.indexOf("avc1", 0, "latin1") + 4 + 24);
    const { outcome, events } = await upload(bytes);
    expect(outcome).toMatchObject({ outcome: "split" });
    expect(events.at(-1)?.data).toMatchObject({ size: [96, 64] });
  });

  it.each([
    ["a million segments", 1_000_000, 1, "TooManySegments"],
    ["a hundred hours of frames that are a byte each", 9_000_000, 25, "LimitExceeded"],
  ])("%s", async (_what, samples, rate, reason) => {
    const { outcome } = await upload(withSamples(await film(), samples, rate));
    expect(outcome).toMatchObject(rejected(reason));
  });
});

const FILM = ["-f", "lavfi", "-i", "testsrc2=duration=1:size=96x64:rate=25"];

/** One second of video. With one frame, its tables can be changed to declare any number of samples. */
async function film(...options: string[]): Promise<Buffer> {
  const path = join(await temporaryFolder(), "film.mp4");
  await ffmpeg(
    ...FILM,
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-frames:v",
    "1",
    ...options,
    path,
  );
  return readFile(path);
}

/** Changes the sample tables to declare `samples` frames of one byte, `rate` a second, and pads the file to that size. */
function withSamples(bytes: Buffer, samples: number, rate: number): Buffer {
  const body = (box: string) => bytes.indexOf(box, 0, "latin1") + 4;
  const timescale = bytes.readUInt32BE(body("mdhd") + 12);
  bytes.writeUInt32BE(samples, body("stts") + 8);
  bytes.writeUInt32BE(timescale / rate, body("stts") + 12);
  bytes.writeUInt32BE(1, body("stsz") + 4);
  bytes.writeUInt32BE(samples, body("stsz") + 8);
  bytes.writeUInt32BE(samples, body("stsc") + 12);
  // Without a table of keyframes, every frame is one; without an edit list, all are shown.
  for (const box of ["stss", "edts"]) {
    const at = bytes.indexOf(box, 0, "latin1");
    if (at !== -1) bytes.write("free", at, "latin1");
  }
  const padding = Buffer.alloc(8 + samples);
  padding.writeUInt32BE(padding.length);
  padding.write("free", 4, "latin1");
  return Buffer.concat([bytes, padding]);
}

const BOXES_AROUND = ["moov", "trak", "mdia", "minf", "dinf", "dref"];

/** Its only data reference names another file. ISO/IEC 14496-12, section 8.7.2. The index is behind the data, so that no offset changes. */
function withExternalData(bytes: Buffer, location: string): Buffer {
  const at = bytes.indexOf("url ", 0, "latin1") - 4;
  const name = Buffer.from(`${location}\0`);
  const reference = Buffer.alloc(12);
  reference.writeUInt32BE(12 + name.length);
  reference.write("url ", 4, "latin1");
  for (const box of BOXES_AROUND) {
    const size = bytes.indexOf(box, 0, "latin1") - 4;
    bytes.writeUInt32BE(bytes.readUInt32BE(size) + name.length, size);
  }
  return Buffer.concat([bytes.subarray(0, at), reference, name, bytes.subarray(at + 12)]);
}
