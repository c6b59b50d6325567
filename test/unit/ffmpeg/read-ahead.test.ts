import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { DiskOptions } from "../../../services/ffmpeg/source/kept-source.ts";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import { type ReadAheadLimits, readAhead } from "../../../services/ffmpeg/source/read-ahead.ts";
import { recordingLog } from "../../fixtures/cut.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const KB = 1024;
const MB = 1024 * KB;

/** The service's own, 64 times smaller, but for blocks: a source of 4 MB is as one of 256 MB. */
const LIMITS: ReadAheadLimits = {
  memoryBytes: MB,
  blockBytes: 4 * KB,
  maxFetchBytes: 128 * KB,
  maxFetchesAhead: 3,
};
const SIZE = 4 * MB;
/** What the buffers of a connection take beyond what ffmpeg reads. */
const BUFFERED = 64 * KB;

const byteAt = (at: number): number => (at * 7 + (at >> 10)) % 251;
const BYTES = Uint8Array.from({ length: SIZE }, (_, at) => byteAt(at));

type Fetch = { start: number; bytes: number };

/** A source that keeps what is fetched. `chunksOf` may fail or wait in place of it. */
function countedSource(chunksOf?: (fetch: Fetch, signal: AbortSignal) => AsyncIterable<Uint8Array>) {
  const fetches: Fetch[] = [];
  const source: RangedSource = {
    size: SIZE,
    async *read(start, end, signal) {
      const fetch = { start, bytes: end - start + 1 };
      fetches.push(fetch);
      if (chunksOf === undefined) yield BYTES.subarray(start, end + 1);
      else yield* chunksOf(fetch, signal);
    },
  };
  return { source, fetches, fetched: () => fetches.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Opens a connection as ffmpeg does, takes so many bytes, and leaves. Resolves with them. */
async function take({ size, read }: RangedSource, start: number, bytes: number): Promise<Buffer> {
  const leaving = new AbortController();
  const chunks: Uint8Array[] = [];
  let taken = 0;
  for await (const chunk of read(start, size - 1, leaving.signal)) {
    chunks.push(chunk);
    taken += chunk.length;
    if (taken >= bytes) break;
  }
  leaving.abort();
  return Buffer.concat(chunks);
}

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

  it("is fetched as asked, where the reader says how much it needs", async () => {
    const { source, fetches } = countedSource();
    const { read } = readAhead(source, LIMITS);
    const bytes = Buffer.concat(await Array.fromAsync(read(10 * KB + 7, 60 * KB, new AbortController().signal)));
    expect(bytes.equals(BYTES.subarray(10 * KB + 7, 60 * KB + 1))).toBe(true);
    expect(fetches).toEqual([{ start: 8 * KB, bytes: 56 * KB }]);
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

  it("is fetched nearly once where one of them is much smaller", async () => {
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

  it("is fetched ahead again where a reader needs more than was expected", async () => {
    const { source, fetches } = countedSource();
    const ahead = readAhead(source, LIMITS);
    ahead.expect(0, MB);
    await take(ahead, 0, SIZE);
    expect(fetches.filter(({ bytes }) => bytes === LIMITS.maxFetchBytes).length).toBeGreaterThan(WHOLE / 3);
    await ahead.close();
  });

  it("goes on when its reader leaves, and is there when it comes back", async () => {
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
    const before = fetches.length;
    await take(ahead, 4 * KB, KB);
    expect(fetches.length).toBe(before);
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

/** On a machine under load. */
const WAIT = { timeout: 30_000, interval: 10 };

/** A disk of so many bytes, with nothing on it. `others.bytes`: what else was written to it since. */
async function emptyDisk(capacity: number) {
  const parent = await temporaryFolder();
  const folder = join(parent, "kept");
  await mkdir(folder);
  const { log, warnings } = recordingLog();
  // Files, and in the end the folder, are removed at any time.
  const ifThere = (error: NodeJS.ErrnoException): [] => {
    if (error.code !== "ENOENT") throw error;
    return [];
  };
  const filesOf = async () => {
    const names = await readdir(folder).catch(ifThere);
    return (await Promise.all(names.map((name) => stat(join(folder, name)).catch(ifThere)))).flat();
  };
  const used = async () => (await filesOf()).reduce((sum, { size }) => sum + size, 0);
  const others = { bytes: 0 };
  return {
    parent,
    folder,
    warnings,
    others,
    holds: (bytes: number) => vi.waitFor(async () => expect(await used()).toBeGreaterThanOrEqual(bytes), WAIT),
    modes: async () => (await filesOf()).map(({ mode }) => mode & 0o777),
    options: {
      makeFolder: async () => folder,
      log,
      // Room is made where something is read: while what was fetched ahead is taken, nothing is.
      limits: {
        minFreeToKeep: MB / 2,
        minFree: LIMITS.maxFetchesAhead * LIMITS.maxFetchBytes,
        fileBytes: 128 * KB,
        maxWaitingBytes: SIZE,
      },
      freeBytes: async () => capacity - others.bytes - (await used()),
    } satisfies DiskOptions,
  };
}

describe("a source that is larger than the memory, and read again", () => {
  it("is fetched once where the disk has room for it, in files of its owner that are removed with it", async () => {
    const { source, fetched } = countedSource();
    const disk = await emptyDisk(8 * MB);
    const ahead = readAhead(source, LIMITS, disk.options);
    await take(ahead, 0, SIZE);
    await disk.holds(SIZE);
    for (const _reading of ["index", "cut"]) expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect(fetched()).toBe(SIZE);
    expect(new Set(await disk.modes())).toEqual(new Set([0o600]));
    await ahead.close();
    expect([await readdir(disk.parent), disk.warnings]).toEqual([[], []]);
  });

  it("isn't kept where it fits into the memory", async () => {
    const { source } = countedSource();
    const disk = await emptyDisk(8 * MB);
    const makeFolder = () => Promise.reject(new Error("no folder is needed"));
    const ahead = readAhead({ ...source, size: MB }, LIMITS, { ...disk.options, makeFolder });
    await take(ahead, 0, MB);
    await ahead.close();
    expect(disk.warnings).toEqual([]);
  });

  it("is fetched again as far as the disk has no room", async () => {
    const { source, fetched } = countedSource();
    const disk = await emptyDisk(2 * MB);
    const ahead = readAhead(source, LIMITS, disk.options);
    await take(ahead, 0, SIZE);
    await disk.holds(1.5 * MB);
    expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect(fetched() / SIZE).toBeGreaterThan(1.5);
    expect(fetched() / SIZE).toBeLessThan(1.7);
    await ahead.close();
  });

  it("makes room for others, beginning with what was read longest ago", async () => {
    const { source, fetched } = countedSource();
    const disk = await emptyDisk(8 * MB);
    const ahead = readAhead(source, LIMITS, disk.options);
    await take(ahead, 0, SIZE);
    await disk.holds(SIZE);
    // A cut: each segment takes the place of what it was made from.
    for (let at = 0; at < SIZE; at += 128 * KB) {
      disk.others.bytes = 3.5 * MB + at;
      expect((await take(ahead, at, 128 * KB)).equals(BYTES.subarray(at, at + 128 * KB))).toBe(true);
      expect(await disk.options.freeBytes()).toBeGreaterThanOrEqual(0);
    }
    expect(fetched() / SIZE).toBeLessThanOrEqual(1.1);
    await ahead.close();
  });

  it("isn't kept any more once it's read for the last time", async () => {
    const { source, fetched } = countedSource();
    const disk = await emptyDisk(8 * MB);
    const ahead = readAhead(source, LIMITS, disk.options);
    await take(ahead, 0, SIZE);
    await ahead.leaveDisk();
    expect(await readdir(disk.parent)).toEqual([]);
    expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect(fetched()).toBe(2 * SIZE);
    expect(await readdir(disk.parent)).toEqual([]);
    await ahead.close();
  });

  it("isn't held up by a slow disk, nor is more than a little held for it", async () => {
    const { source, fetched } = countedSource();
    const { options, folder } = await emptyDisk(8 * MB);
    const gate = Promise.withResolvers<void>();
    const makeFolder = () => gate.promise.then(() => folder);
    const limits = { ...options.limits, maxWaitingBytes: MB / 4 };
    const ahead = readAhead(source, LIMITS, { ...options, limits, makeFolder });
    for (const _reading of ["index", "cut"]) expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect(fetched()).toBe(2 * SIZE - MB / 4);
    gate.resolve();
    await ahead.close();
  });

  it.each<[string, Partial<DiskOptions>]>([
    ["can't be written to", { makeFolder: () => Promise.reject(new Error("ENOSPC: no space left on device")) }],
    ["doesn't say how much is free", { freeBytes: () => Promise.reject(new Error("EIO: i/o error")) }],
  ])("is fetched again where the disk %s, which is logged", async (_, failing) => {
    const { source, fetched } = countedSource();
    const { options, warnings, parent } = await emptyDisk(8 * MB);
    const ahead = readAhead(source, LIMITS, { ...options, ...failing });
    await take(ahead, 0, SIZE);
    await vi.waitFor(() => expect(warnings).toHaveLength(1), WAIT);
    expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect([fetched(), warnings.length]).toEqual([2 * SIZE, 1]);
    await ahead.close();
    expect(await readdir(parent)).toEqual(failing.makeFolder ? ["kept"] : []);
  });

  it("is fetched again where the disk can't be read, which is logged", async () => {
    const { source, fetched } = countedSource();
    const { options, warnings, folder, holds } = await emptyDisk(8 * MB);
    const ahead = readAhead(source, LIMITS, { ...options, freeBytes: async () => 8 * MB });
    await take(ahead, 0, SIZE);
    await holds(SIZE);
    await rm(folder, { recursive: true });
    expect((await take(ahead, 0, SIZE)).equals(BYTES)).toBe(true);
    expect([fetched(), warnings.length]).toEqual([2 * SIZE, 1]);
    await ahead.close();
  });
});
