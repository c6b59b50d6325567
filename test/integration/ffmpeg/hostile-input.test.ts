import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { ffmpegMediaTools } from "../../../services/ffmpeg/index.ts";
import { boundedDecoding } from "../../../services/ffmpeg/process/sandbox.ts";
import { openForbiddenServer } from "../../fixtures/forbidden-server.ts";
import { binaries, ffmpeg, makeMedia } from "../../fixtures/media.ts";
import { standIn } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const execute = promisify(execFile);

const NEVER = new AbortController().signal;

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=duration=1:size=64x36:rate=25"];

const openBytes = async (bytes: Uint8Array, ffprobe?: string) => {
  const found = await binaries;
  const media = await ffmpegMediaTools({ ...found, ffprobe: ffprobe ?? found.ffprobe }).open({
    size: bytes.length,
    async *read(start, end) {
      yield bytes.subarray(start, end + 1);
    },
  });
  onTestFinished(() => media.close());
  return media;
};

const describeText = async (text: string) => (await openBytes(Buffer.from(text))).describe(NEVER);

describe("hostile uploads", () => {
  it("a playlist isn't accepted, and its URLs aren't fetched", async () => {
    const { url, requests } = await openForbiddenServer();
    const playlist = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}/segment.ts\n#EXT-X-ENDLIST\n`;
    await expect(describeText(playlist)).rejects.toMatchObject({ code: "FfmpegFailed" });
    expect(requests).toEqual([]);
  });

  it.each([
    ["a concat script", "ffconcat version 1.0\nfile '/etc/passwd'\n"],
    [
      "a session description",
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
    [
      "a DASH manifest",
      '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period></Period></MPD>',
    ],
    ["a subtitle file", "1\n00:00:00,000 --> 00:00:01,000\nhello\n"],
  ])("%s is no media", async (_what, text) => {
    await expect(describeText(text)).rejects.toMatchObject({ code: "FfmpegFailed" });
  });

  it("a rarely used decoder is run neither by ffprobe nor by ffmpeg", async () => {
    const folder = await temporaryFolder();
    const [file, marked] = [join(folder, "rare.avi"), join(folder, "marked")];
    await ffmpeg(...VIDEO, "-c:v", "magicyuv", file);
    const { ffmpeg: binary, ffprobe } = await binaries;
    const bytes = await readFile(file);
    const options = [...boundedDecoding, "-i", file, "-f", "null", "-"];
    await expect(execute(binary, ["-v", "error", ...options])).rejects.toThrow(/not on whitelist/i);
    await writeFile(marked, `#!/bin/sh\nexec '${ffprobe}' "$@" 2>> '${folder}/log'\n`);
    await chmod(marked, 0o755);
    const { description } = await (await openBytes(bytes, marked)).describe(NEVER);
    expect(description.video).toMatchObject({ codec: undefined, size: [64, 36] });
    expect(await readFile(join(folder, "log"), "utf8")).toContain("Codec (magicyuv) not on whitelist");
  });

  it("an audio track without an allowed decoder doesn't reject the video, nor do subtitles", async () => {
    const folder = await temporaryFolder();
    const [titles, file] = [join(folder, "titles.srt"), join(folder, "rare-audio.mkv")];
    await writeFile(titles, "1\n00:00:00,000 --> 00:00:01,000\nhello\n");
    const coded = ["-c:v", "libx264", "-c:a", "wavpack", "-c:s", "subrip"];
    await ffmpeg(...VIDEO, "-f", "lavfi", "-i", "sine=duration=1", "-i", titles, ...coded, file);
    expect(await (await openBytes(await readFile(file))).describe(NEVER)).toMatchObject({
      description: { video: { codec: "h264" }, audio: [], others: [{ codec: "wavpack" }, { codec: "subrip" }] },
    });
  });

  it("the tools don't get this process's environment", async () => {
    const folder = await temporaryFolder();
    const seen = join(folder, "environment");
    const spy = await standIn(folder, `/usr/bin/env > '${seen}'\nexit 1`);
    process.env.AWS_SECRET_ACCESS_KEY = "a secret";
    onTestFinished(() => {
      delete process.env.AWS_SECRET_ACCESS_KEY;
    });
    await expect((await openBytes(Buffer.from("x"), spy)).describe(NEVER)).rejects.toThrow();
    const names = (await readFile(seen, "utf8")).split("\n").map((line) => line.split("=")[0]);
    // PWD, SHLVL, _ and OLDPWD are set by the shell.
    expect(names.filter((name) => !["", "PWD", "OLDPWD", "SHLVL", "_"].includes(name!)).sort()).toEqual([
      "AV_LOG_FORCE_NOCOLOR",
      "GCONV_PATH",
      "LC_ALL",
      "http_proxy",
    ]);
  });

  it("the error has ffmpeg's last lines, without the source's address", async () => {
    const error = await describeText("no media at all").catch((caught: Error) => caught as Error & { stderr: string });
    expect(error).toMatchObject({ code: "FfmpegFailed" });
    expect((error as Error).message).toContain("Invalid data found");
    expect((error as Error).message).not.toMatch(/127\.0\.0\.1|[0-9a-f]{48}/);
  });

  it("a source that fails midway doesn't count as complete", async () => {
    const folder = await temporaryFolder();
    const bytes = await readFile(await makeMedia(folder, "transport-stream.ts"));
    const media = await ffmpegMediaTools(await binaries).open({
      size: bytes.length,
      async *read(start) {
        yield bytes.subarray(start, Math.max(start, 100_000));
        throw new Error("S3 is down");
      },
    });
    onTestFinished(() => media.close());
    const reading = async () => (await media.describe(NEVER)).scan(NEVER, () => {});
    await expect(reading()).rejects.toMatchObject({
      code: "SourceFetchFailed",
      message: expect.stringContaining("S3 is down"),
    });
  });
});
