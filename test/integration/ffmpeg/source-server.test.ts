import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { runFfprobe } from "../../../services/ffmpeg/process/ffprobe.ts";
import { runFfmpeg } from "../../../services/ffmpeg/process/run-ffmpeg.ts";
import { type SourceAddress, untrustedInput } from "../../../services/ffmpeg/process/sandbox.ts";
import { checkSource } from "../../../services/ffmpeg/source/checked-source.ts";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import { serveSource } from "../../../services/ffmpeg/source/source-server.ts";
import { binaries, makeMedia } from "../../fixtures/media.ts";
import { childrenNaming } from "../../fixtures/processes.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const BYTES = Buffer.from("0123456789");

const plain: RangedSource = {
  size: BYTES.length,
  async *read(start, end) {
    yield BYTES.subarray(start, end + 1);
  },
};

async function serve(source: RangedSource) {
  const checked = checkSource(source);
  const server = await serveSource(checked);
  onTestFinished(() => server.close());
  return { ...server, failed: checked.failed };
}

type Asking = { range?: string; url?: string; credentials?: string | undefined };

/** Sends a request as ffmpeg does to a proxy. `credentials`: a user name and the secret. */
function ask(address: SourceAddress, { range, url = address.url, ...rest }: Asking = {}): Promise<IncomingMessage> {
  const credentials = "credentials" in rest ? rest.credentials : `video-split:${address.secret}`;
  const headers = {
    Host: "source.invalid",
    ...(range === undefined ? {} : { Range: range }),
    ...(credentials === undefined
      ? {}
      : { "Proxy-Authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }),
  };
  return new Promise((resolve, reject) => {
    const asked = { host: "127.0.0.1", port: address.port, path: url, headers, agent: false };
    request(asked, resolve).on("error", reject).end();
  });
}

const readText = async (address: SourceAddress, asking?: Asking): Promise<string> => text(await ask(address, asking));

describe("the loopback source", () => {
  it("serves all of it, and ranges", async () => {
    const { address } = await serve(plain);
    const whole = await ask(address);
    expect([whole.statusCode, whole.headers["accept-ranges"], await text(whole)]).toEqual([200, "bytes", "0123456789"]);
    const part = await ask(address, { range: "bytes=3-5" });
    expect([part.statusCode, part.headers["content-range"], await text(part)]).toEqual([206, "bytes 3-5/10", "345"]);
    expect(await readText(address, { range: "bytes=8-" })).toBe("89");
  });

  it("rejects a range beyond the end", async () => {
    const { address } = await serve(plain);
    expect((await ask(address, { range: "bytes=10-" })).statusCode).toBe(416);
  });

  it.each([
    ["nothing", undefined],
    ["another secret", `video-split:${"0".repeat(48)}`],
    ["a shorter one", "video-split:0"],
    ["another user", `root:${"0".repeat(48)}`],
  ])("asks for the secret who shows %s", async (_what, credentials) => {
    const { address } = await serve(plain);
    const refused = await ask(address, { credentials });
    expect([refused.statusCode, refused.headers["proxy-authenticate"], await text(refused)]).toEqual([
      407,
      'Basic realm="source"',
      "",
    ]);
  });

  it.each(["http://evil.example/video", "http://source.invalid/other", "/video", "//"])(
    "has no other resources, and forwards no request: %s",
    async (url) => {
      const { address } = await serve(plain);
      expect((await ask(address, { url })).statusCode).toBe(404);
    },
  );

  it("is read by ffprobe and ffmpeg with the secret only in their environment", async () => {
    const { ffmpeg, ffprobe } = await binaries;
    const bytes = await readFile(await makeMedia(await temporaryFolder(), "moov-at-end.mov"));
    const requests: { commandLine: string; environment: string }[] = [];
    const server = await serve({
      size: bytes.length,
      async *read(start, end) {
        const [child] = await childrenNaming(server.address.url);
        if (child !== undefined) requests.push(child);
        yield bytes.subarray(start, end + 1);
      },
    });
    const { address: source } = server;
    const args = [...untrustedInput(), "-show_entries", "stream=index", "-of", "csv=p=0", source.url];
    const lines: string[] = [];
    await runFfprobe({ binary: ffprobe, args, source, signal: NEVER, onLine: (line) => void lines.push(line) });
    expect(lines).toEqual(["0", "1"]);
    const inputs = [{ from: source.url, options: untrustedInput() }];
    const files = [{ path: "/dev/null", options: ["-c", "copy", "-f", "null"] }];
    await runFfmpeg({ binary: ffmpeg, directory: tmpdir(), source, signal: NEVER, inputs, files });
    expect(requests.length).toBeGreaterThanOrEqual(4);
    for (const { commandLine, environment } of requests) {
      expect(commandLine).not.toContain(source.secret);
      expect(environment).toContain(source.secret);
    }
  });

  it("aborts the read behind a request that the reader closes", async () => {
    let aborted = () => {};
    const reading = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const { address } = await serve({
      size: 2 ** 40,
      async *read(_start, _end, signal) {
        signal.addEventListener("abort", () => aborted());
        while (!signal.aborted) yield new Uint8Array(65_536);
      },
    });
    const response = await ask(address);
    await once(response, "readable");
    response.destroy();
    await reading;
  });

  it("sends nothing while it's paused, and everything afterwards", async () => {
    const server = await serve(plain);
    server.pause();
    let arrived = false;
    const paused = readText(server.address).then((body) => {
      arrived = true;
      return body;
    });
    // A second, unpaused server answers meanwhile: enough time for the first, if it weren't paused.
    expect(await readText((await serve(plain)).address)).toBe("0123456789");
    expect(arrived).toBe(false);
    server.resume();
    expect(await paused).toBe("0123456789");
  });

  it.each([
    ["throws", new Error("S3 is down"), "The source can't be read: S3 is down"],
    ["ends before its range does", undefined, "The source ended after 4 of 10 bytes from byte 0 on"],
  ])("says so before it cuts the connection, when a read %s", async (_how, error, message) => {
    const server = await serve({
      size: 10,
      async *read(start) {
        yield BYTES.subarray(start, 4);
        if (error !== undefined) throw error;
      },
    });
    await expect(readText(server.address)).rejects.toThrow();
    expect(server.failed.reason).toMatchObject({ code: "SourceFetchFailed", retryable: true, message });
  });
});
