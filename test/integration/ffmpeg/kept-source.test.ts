import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { DiskOptions } from "../../../services/ffmpeg/source/kept-source.ts";
import { readAhead } from "../../../services/ffmpeg/source/read-ahead.ts";
import { BYTES, countedSource, KB, LIMITS, MB, SIZE, take } from "../../fixtures/counted-source.ts";
import { recordingLog } from "../../fixtures/cut.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

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
