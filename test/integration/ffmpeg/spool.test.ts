import { open, readdir, readFile, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { SpoolFolder } from "../../../services/ffmpeg/assembly/spool.ts";
import { heldBeyond, heldResources } from "../../fixtures/held-resources.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const MEGABYTE = 2 ** 20;

async function folderOf() {
  const parent = await temporaryFolder();
  return { parent, folder: await SpoolFolder.create(join(parent, "spools")) };
}

describe("a temporary file", () => {
  it("has the written data, in order, however it's read", async () => {
    const { folder } = await folderOf();
    const spool = folder.spool("packets");
    const packets = Array.from({ length: 40 }, (_, at) => Buffer.alloc(100_000, at));
    await Promise.all(packets.map((packet) => spool.write(packet)));
    const all = Buffer.concat(packets);
    expect(Buffer.concat(await Array.fromAsync(spool.chunks())).equals(all)).toBe(true);
    expect((await readFile(spool.path)).equals(all)).toBe(true);
    await folder.remove();
  });

  it("keeps what it was given, whatever becomes of that, and passes on any part of it", async () => {
    const { folder } = await folderOf();
    const spool = folder.spool("packets");
    const packet = Buffer.alloc(700_000);
    const all: Buffer[] = [];
    for (let at = 0; at < 5; at += 1) {
      all.push(Buffer.from(packet.fill(at)));
      await spool.write(packet);
    }
    const passed: Buffer[] = [];
    const [start, end] = [690_000, 3_400_000];
    await spool.passOn(start, end, async (data) => void passed.push(Buffer.from(data)));
    expect(Buffer.concat(passed).equals(Buffer.concat(all).subarray(start, end))).toBe(true);
    await spool.write(packet.fill(9));
    await spool.passOn(3_500_000, 3_500_010, async (data) => expect(data).toEqual(Buffer.alloc(10, 9)));
    await folder.remove();
  });

  it("has all of the data where the system takes less than it's given", async () => {
    const { folder, parent } = await folderOf();
    const handle = await open(join(parent, "other"), "w");
    const files = Object.getPrototypeOf(handle);
    await handle.close();
    const { write } = files;
    const some = vi.spyOn(files, "write").mockImplementation(function (this: unknown, ...args) {
      const [data, offset, length, position] = args as [Buffer, number, number, number];
      return write.call(this, data, offset, Math.min(length, 70_000), position);
    });
    onTestFinished(() => some.mockRestore());
    const spool = folder.spool("packets");
    const packets = Array.from({ length: 12 }, (_, at) => Buffer.alloc(100_000, at));
    for (const packet of packets) await spool.write(packet);
    expect(Buffer.concat(await Array.fromAsync(spool.chunks())).equals(Buffer.concat(packets))).toBe(true);
    expect(some.mock.calls.length).toBeGreaterThan(packets.length);
    await folder.remove();
  });

  it("that is shorter than the written data is an error", async () => {
    const { folder } = await folderOf();
    const spool = folder.spool("packets");
    await spool.write(Buffer.alloc(2 * MEGABYTE));
    await truncate(spool.path, MEGABYTE + 10);
    await expect(Array.fromAsync(spool.chunks())).rejects.toMatchObject({ code: "UnexpectedEndOfFile" });
    await folder.remove();
  });

  it("throws DiskFullError when there's no space", async () => {
    const { folder, parent } = await folderOf();
    await symlink("/dev/full", join(parent, "spools", "packets"));
    const spool = folder.spool("packets");
    await expect(spool.write(Buffer.alloc(MEGABYTE))).rejects.toMatchObject({ code: "DiskFull", retryable: true });
    await folder.remove();
  });

  it("is closed and removed with its folder, even while it's in use", async () => {
    const before = heldResources();
    const { folder, parent } = await folderOf();
    const [read, written, writing] = [folder.spool("read"), folder.spool("written"), folder.spool("writing")];
    await read.write(Buffer.alloc(10));
    await read.chunks().next();
    await written.write(Buffer.alloc(2 * MEGABYTE));
    const left = writing.write(Buffer.alloc(8 * MEGABYTE)).catch(() => {});
    await folder.remove();
    await left;
    expect(await heldBeyond(before)).toEqual([]);
    expect(await readdir(parent)).toEqual([]);

    await expect(written.write(Buffer.alloc(2 * MEGABYTE))).rejects.toThrow("was removed");
    expect(() => folder.spool("late")).toThrow("was removed");
    expect(await readdir(parent)).toEqual([]);
  });
});
