import { statfs } from "node:fs/promises";

/** Of statfs(2): a file system that is in memory. */
const TMPFS_MAGIC = 0x01021994;

/** Bytes that may be written to the disk of a folder; none where that disk is memory. */
export async function freeOnDisk(folder: string): Promise<number> {
  const { type, bavail, bsize } = await statfs(folder);
  return type === TMPFS_MAGIC ? 0 : bavail * bsize;
}
