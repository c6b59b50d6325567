import { describe, expect, it, onTestFinished } from "vitest";
import { checkSource } from "../../../services/ffmpeg/source/checked-source.ts";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import { serveSource } from "../../../services/ffmpeg/source/source-server.ts";

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

describe("the loopback source", () => {
  it("serves the whole and ranges of it", async () => {
    const { url } = await serve(plain);
    const whole = await fetch(url);
    expect([whole.status, whole.headers.get("accept-ranges"), await whole.text()]).toEqual([
      200,
      "bytes",
      "0123456789",
    ]);
    const part = await fetch(url, { headers: { Range: "bytes=3-5" } });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 3-5/10", "345"]);
    const tail = await fetch(url, { headers: { Range: "bytes=8-" } });
    expect(await tail.text()).toBe("89");
  });

  it("refuses a range beyond the end", async () => {
    const { url } = await serve(plain);
    expect((await fetch(url, { headers: { Range: "bytes=10-" } })).status).toBe(416);
  });

  it("is found by nobody who doesn't know the path", async () => {
    const { url } = await serve(plain);
    expect((await fetch(new URL("/", url))).status).toBe(404);
    expect((await fetch(new URL(`/${"0".repeat(48)}`, url))).status).toBe(404);
  });

  it("aborts the read behind a request that the reader closes", async () => {
    let aborted = () => {};
    const reading = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const { url } = await serve({
      size: 2 ** 40,
      async *read(_start, _end, signal) {
        signal.addEventListener("abort", () => aborted());
        while (!signal.aborted) yield new Uint8Array(65_536);
      },
    });
    const leaving = new AbortController();
    const response = await fetch(url, { signal: leaving.signal });
    await response.body!.getReader().read();
    leaving.abort();
    await reading;
  });

  it("lets nothing through while it's paused, and all of it afterwards", async () => {
    const server = await serve(plain);
    server.pause();
    let arrived = false;
    const text = fetch(server.url)
      .then((response) => response.text())
      .then((body) => {
        arrived = true;
        return body;
      });
    // A second, unpaused server answers in the meantime: time enough for the first, had it been open.
    expect(await (await fetch((await serve(plain)).url)).text()).toBe("0123456789");
    expect(arrived).toBe(false);
    server.resume();
    expect(await text).toBe("0123456789");
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
    await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow();
    expect(server.failed.reason).toMatchObject({ code: "SourceFetchFailed", retryable: true, message });
  });
});
