import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import { readAhead } from "../../../services/ffmpeg/source/read-ahead.ts";
import { BUFFERED, BYTES, countedSource, KB, LIMITS, MB, SIZE, take } from "../../fixtures/counted-source.ts";

/** Whole, each a fetch of the largest size. */
const WHOLE = SIZE / LIMITS.maxFetchBytes;
/** Fetches grow from a block to the largest. */
const GROWING = 24;

describe("a source that is read forward", () => {
  it("is fetched once, in fetches that grow to the largest", async () => {
    const { source, fetches, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect(fetched()).toBe(SIZE);
    expect(fetches[0]).toEqual({ start: 0, bytes: 4 * KB });
    expect(Math.max(...fetches.map(({ bytes }) => bytes))).toBe(LIMITS.maxFetchBytes);
    expect(fetches.length).toBeLessThanOrEqual(WHOLE + GROWING);
  });

  it("is not fetched again where it's small: to be described, indexed and cut", async () => {
    const { source, fetched } = countedSource();
    const ahead = readAhead({ ...source, size: MB }, LIMITS);
    for (const _reading of ["describe", "index", "cut"]) await take(ahead, 0, MB);
    expect(fetched()).toBe(MB);
  });

  it("is fetched as requested, if the reader says how much it needs", async () => {
    const { source, fetches } = countedSource();
    const { read } = readAhead(source, LIMITS);
    const bytes = Buffer.concat(await Array.fromAsync(read(10 * KB + 7, 60 * KB, new AbortController().signal)));
    expect(bytes.equals(BYTES.subarray(10 * KB + 7, 60 * KB + 1))).toBe(true);
    expect(fetches).toEqual([{ start: 8 * KB, bytes: 56 * KB }]);
  });
});

describe("the memory of a source", () => {
  const isFree = ({ buffer }: Uint8Array): boolean => (buffer as ArrayBuffer).detached;
  const isAt = (block: number, chunk: Uint8Array): boolean =>
    Buffer.compare(chunk, BYTES.subarray(block * LIMITS.blockBytes, (block + 1) * LIMITS.blockBytes)) === 0;
  const whole = (read: RangedSource["read"]) => read(0, SIZE - 1, new AbortController().signal);

  it("is free again where it was lent, and neither held nor kept", async () => {
    const { lend } = readAhead(countedSource().source, LIMITS);
    const chunks: Uint8Array[] = [];
    for await (const chunk of whole(lend)) {
      expect(isAt(chunks.length, chunk)).toBe(true);
      chunks.push(chunk);
    }
    const kept = LIMITS.memoryBytes / LIMITS.blockBytes;
    expect(chunks.filter((chunk) => !isFree(chunk)).length).toBeLessThanOrEqual(kept);
    expect(chunks.length).toBe(SIZE / LIMITS.blockBytes);
  });

  it("stays as long as a reader doesn't request the next chunk", async () => {
    const { lend } = readAhead(countedSource().source, LIMITS);
    const slow = whole(lend)[Symbol.asyncIterator]();
    const { value: held } = await slow.next();
    for await (const _chunk of whole(lend));
    expect(isAt(0, held)).toBe(true);
    await slow.next();
    expect(isFree(held)).toBe(true);
  });

  it("stays where a reader leaves, since what it passed on may still be sent", async () => {
    const { lend } = readAhead(countedSource().source, LIMITS);
    let last: Uint8Array | undefined;
    for await (const chunk of whole(lend)) {
      last = chunk;
      break;
    }
    for await (const _chunk of whole(lend));
    expect(isFree(last!)).toBe(false);
  });

  it("stays where it isn't lent", async () => {
    const { read, lend } = readAhead(countedSource().source, LIMITS);
    const chunks = await Array.fromAsync(whole(read));
    for await (const _chunk of whole(lend));
    expect(Buffer.concat(chunks).equals(BYTES)).toBe(true);
  });
});

describe("a source whose tracks aren't interleaved", () => {
  it.each([3, 6])("with %i tracks, each read a little at a time, is fetched nearly once", { tags: "full" }, (tracks) =>
    readAlternately(tracks),
  );

  it("with 2 tracks, each read a little at a time, is fetched nearly once", () => readAlternately(2));

  async function readAlternately(tracks: number): Promise<void> {
    const { source, fetches, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    const length = SIZE / tracks;
    const step = 12 * KB;
    for (let at = 0; at < length; at += step)
      for (let track = 0; track < tracks; track += 1) {
        const start = track * length + at;
        const bytes = await take(ahead, start, step + BUFFERED);
        expect(bytes.subarray(0, step).equals(BYTES.subarray(start, start + step))).toBe(true);
      }
    expect(fetched() / SIZE).toBeLessThanOrEqual(1.2);
    expect(fetches.length).toBeLessThanOrEqual(Math.max(1, tracks / 2) * WHOLE + tracks * GROWING);
  }

  it("is fetched in as few fetches where a reader always leaves in the middle of a block", async () => {
    const { source, fetches, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    const step = LIMITS.blockBytes + KB;
    for (let at = 0; at < SIZE; at += step) await take(ahead, at, Math.min(step, SIZE - at));
    expect(fetched()).toBe(SIZE);
    expect(fetches.length).toBeLessThanOrEqual(WHOLE + GROWING);
  });

  it("is fetched nearly once where one of them is much smaller", { tags: "full" }, async () => {
    const { source, fetches, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    const small = SIZE / 32;
    for (let share = 0; share < 1; share += 1 / 640) {
      await take(ahead, Math.floor(share * small), KB + BUFFERED);
      await take(ahead, small + Math.floor(share * (SIZE - small)), 13 * KB + BUFFERED);
    }
    expect(fetched() / SIZE).toBeLessThanOrEqual(1.2);
    expect(fetches.length).toBeLessThanOrEqual(2 * WHOLE + 2 * GROWING);
  });
});

describe("a reader that skips through a source", () => {
  it("has little fetched beyond what it reads, as of a fragmented file's headers", async () => {
    const { source, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    for (let at = 0; at < SIZE; at += 100 * KB) await take(ahead, at, KB);
    expect(fetched()).toBeLessThanOrEqual((SIZE / (100 * KB)) * 3 * LIMITS.blockBytes);
  });
});

describe("what is fetched ahead", () => {
  it("has little fetched outside of the bytes that are expected to be needed", async () => {
    const { source, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    ahead.expect(2 * MB, 3 * MB);
    await take(ahead, 0, BUFFERED);
    expect(fetched()).toBeLessThanOrEqual(2 * BUFFERED);
    await take(ahead, 2 * MB, MB + BUFFERED);
    expect(fetched()).toBeLessThanOrEqual(MB + 4 * BUFFERED);
    await ahead.close();
  });

  it("isn't passed on beyond what is expected while a reader progresses, and then, twice as much each time", async () => {
    const { source, fetched } = countedSource();
    const ahead = readAhead(source, LIMITS);
    ahead.expect(0, MB);
    const progressing = setInterval(ahead.progressed, 5);
    const leaving = new AbortController();
    let received = 0;
    const reading = (async () => {
      for await (const { length } of ahead.read(0, SIZE - 1, leaving.signal)) received += length;
    })();
    await delay(250);
    expect(received).toBe(MB);
    expect(fetched()).toBeLessThanOrEqual(MB + LIMITS.blockBytes);
    clearInterval(progressing);
    await expect.poll(() => received, { timeout: 10_000 }).toBeGreaterThanOrEqual(MB + 7 * LIMITS.blockBytes);
    leaving.abort();
    await reading;
    await ahead.close();
  });

  it("is passed on at once to a reader that begins beyond what is expected", async () => {
    const { source } = countedSource();
    const ahead = readAhead(source, LIMITS);
    ahead.expect(0, MB);
    const progressing = setInterval(ahead.progressed, 5);
    const bytes = await take(ahead, MB + 10, 20 * KB);
    clearInterval(progressing);
    expect(bytes.equals(BYTES.subarray(MB + 10, MB + 10 + bytes.length))).toBe(true);
    await ahead.close();
  });

  it("is fetched ahead again where a reader needs more than was expected", { tags: "full" }, async () => {
    const { source, fetches } = countedSource();
    const ahead = readAhead(source, LIMITS);
    ahead.expect(0, MB);
    await take(ahead, 0, SIZE);
    expect(fetches.filter(({ bytes }) => bytes === LIMITS.maxFetchBytes).length).toBeGreaterThan(WHOLE / 3);
    await ahead.close();
  });

  it("continues when its reader closes the connection, and is kept for the next one", async () => {
    const gate = Promise.withResolvers<void>();
    const { source, fetches } = countedSource(async function* ({ start, bytes }) {
      if (start > 0) await gate.promise;
      yield BYTES.subarray(start, start + bytes);
    });
    const ahead = readAhead(source, LIMITS);
    await take(ahead, 0, 4 * KB);
    const waiting = take(ahead, 4 * KB, KB);
    gate.resolve();
    await waiting;
    await take(ahead, 4 * KB, KB);
    expect(fetches.filter(({ start }) => start === 4 * KB)).toHaveLength(1);
  });

  it("fails for the reader that needs it, and is fetched again for the next", async () => {
    let isDown = true;
    const { source, fetches } = countedSource(async function* ({ start, bytes }) {
      if (start >= 300 * KB && isDown) throw new Error("S3 is down");
      yield BYTES.subarray(start, start + bytes);
    });
    const ahead = readAhead(source, LIMITS);
    expect((await take(ahead, 0, 248 * KB)).equals(BYTES.subarray(0, 248 * KB))).toBe(true);
    await expect(take(ahead, 248 * KB, 200 * KB)).rejects.toThrow("S3 is down");
    expect(fetches.filter(({ start }) => start >= 300 * KB).length).toBeLessThanOrEqual(4);
    isDown = false;
    expect((await take(ahead, 248 * KB, 200 * KB)).equals(BYTES.subarray(248 * KB, 448 * KB))).toBe(true);
  });

  it("ends where a source ends early, which its reader sees", async () => {
    const { source } = countedSource(async function* ({ start, bytes }) {
      yield BYTES.subarray(start, Math.min(start + bytes, 10 * KB + 7));
    });
    expect((await take(readAhead(source, LIMITS), 0, SIZE)).equals(BYTES.subarray(0, 10 * KB + 7))).toBe(true);
  });

  it("is aborted when the source is closed, and has ended by then", async () => {
    let ended = 0;
    const { source, fetches } = countedSource(async function* ({ bytes }, signal) {
      yield new Uint8Array(bytes - 1);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      ended += 1;
    });
    const ahead = readAhead(source, LIMITS);
    const leaving = new AbortController();
    const reading = Array.fromAsync(ahead.read(0, SIZE - 1, leaving.signal));
    leaving.abort();
    expect(await reading).toEqual([]);
    await ahead.close();
    expect([ended, fetches.length]).toEqual([1, 1]);
  });

  it.each([1, 4, 40])(
    "is within the memory, and a block more where a reader waits, for %i readers at a time",
    async (readers) => {
      let waiting = 0;
      let most = 0;
      let isSlow = false;
      const gate = Promise.withResolvers<void>();
      const { source } = countedSource(async function* ({ start, bytes }) {
        waiting += bytes;
        most = Math.max(most, waiting);
        if (isSlow) await gate.promise;
        waiting -= bytes;
        yield BYTES.subarray(start, start + bytes);
      });
      const ahead = readAhead(source, LIMITS);
      const places = Array.from({ length: readers }, (_, reader) => Math.floor((reader * SIZE) / readers));
      for (const place of places) await take(ahead, place, 100 * KB);
      isSlow = true;
      const all = Promise.all(places.map((place) => take(ahead, place + 100 * KB, 100 * KB)));
      await new Promise((resolve) => setImmediate(resolve));
      gate.resolve();
      await all;
      const room = LIMITS.memoryBytes / LIMITS.blockBytes;
      expect(Math.ceil(most / LIMITS.blockBytes)).toBeLessThanOrEqual(Math.max(room, room - 1 + readers));
    },
  );
});
