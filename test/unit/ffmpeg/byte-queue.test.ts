import { describe, expect, it } from "vitest";
import { ByteQueue } from "../../../services/ffmpeg/exact/byte-queue.ts";
import { NEVER } from "../../fixtures/quiet.ts";

const OUT_OF_TIME = new Error("out of time");
const chunk = (text: string) => Buffer.from(text);
const texts = async (queue: ByteQueue) => (await Array.fromAsync(queue)).map(String);

describe("a queue of bytes", () => {
  it("yields chunks in order, until it's ended", async () => {
    const queue = new ByteQueue(10, NEVER);
    const reading = texts(queue);
    for (const text of ["one", "two", "three"]) queue.add(chunk(text));
    queue.end();
    expect(await reading).toEqual(["one", "two", "three"]);
    expect(queue.bytes).toBe(0);
  });

  it("has room until it has more than its maximum, and again when that is read", async () => {
    const queue = new ByteQueue(4, NEVER);
    queue.add(chunk("1234"));
    await queue.room();
    queue.add(chunk("5"));
    let hasRoom = false;
    const waiting = queue.room().then(() => {
      hasRoom = true;
    });
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    await queue[Symbol.asyncIterator]().next();
    await waiting;
    expect(queue.bytes).toBe(1);
  });

  it("drops everything when its reader has gone, and doesn't block writers", async () => {
    const queue = new ByteQueue(1, NEVER);
    queue.add(chunk("123"));
    const waiting = queue.room();
    queue.close();
    await waiting;
    queue.add(chunk("456"));
    await queue.room();
    expect(queue.bytes).toBe(0);
    expect(await texts(queue)).toEqual([]);
  });

  it("rejects all waits with the reason when it's aborted", async () => {
    const aborting = new AbortController();
    const queue = new ByteQueue(1, aborting.signal);
    const reading = queue[Symbol.asyncIterator]().next();
    aborting.abort(OUT_OF_TIME);
    await expect(reading).rejects.toBe(OUT_OF_TIME);
    await expect(queue.room()).rejects.toBe(OUT_OF_TIME);
  });

  it("frees chunks that only it has, when the next one is taken", async () => {
    const queue = new ByteQueue(100, NEVER, { ownsChunks: true });
    const own = [Buffer.allocUnsafeSlow(10).fill(1), Buffer.allocUnsafeSlow(10).fill(2)];
    // It's a part of a larger buffer, which others have too.
    const whole = Buffer.alloc(20, 3);
    for (const chunk of [...own, whole.subarray(0, 10)]) queue.add(chunk);
    queue.end();
    const seen: number[][] = [];
    for await (const chunk of queue) seen.push([chunk[0]!, ...own.map(({ length }) => length)]);
    expect(seen).toEqual([
      [1, 10, 10],
      [2, 0, 10],
      [3, 0, 0],
    ]);
    expect(whole).toEqual(Buffer.alloc(20, 3));
  });
});
