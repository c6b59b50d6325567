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

  it("has all of the data where the system takes less than it's given", async () => {
    const { folder, parent } = await folderOf();
    const handle = await open(join(parent, "other"), "w");
    const files = Object.getPrototypeOf(handle);
    await handle.close();
    const { writev } = files;
    const some = vi.spyOn(files, "writev").mockImplementation(function (this: unknown, buffers, position) {
      const [first] = buffers as Buffer[];
      const few = [first!.subarray(0, 70_000), ...(buffers as Buffer[]).slice(1, first!.length > 70_000 ? 1 : 2)];
      return writev.call(this, few, position);
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
