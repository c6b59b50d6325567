import { describe, expect, it, onTestFinished } from "vitest";
import { type RangedSource, serveSource } from "../../../services/ffmpeg/source/source-server.ts";

const BYTES = Buffer.from("0123456789");

const plain: RangedSource = {
  size: BYTES.length,
  async *read(start, end) {
    yield BYTES.subarray(start, end + 1);
  },
};

async function serve(source: RangedSource) {
  const server = await serveSource(source);
  onTestFinished(() => server.close());
  return server;
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

  it("keeps why a read failed, and cuts the connection", async () => {
    const server = await serve({
      size: 10,
      async *read(start) {
        yield BYTES.subarray(start, 4);
        throw new Error("S3 is down");
      },
    });
    await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow();
    expect(server.failure()).toMatchObject({ message: "S3 is down" });
  });
});
