const BLOCK = 512;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).split("\0", 1)[0] ?? "";

/**
 * The content of a file in a tar archive; undefined where it isn't there whole. Enough for npm's
 * own archives: short names, sizes in octal.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export function fileInTar(archive: Uint8Array, name: string): Uint8Array | undefined {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    const size = Number.parseInt(text(header.subarray(124, 136)), 8);
    if (Number.isNaN(size)) return undefined;
    const [start, end] = [at + BLOCK, at + BLOCK + size];
    if (text(header.subarray(0, 100)) === name) return end > archive.length ? undefined : archive.subarray(start, end);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
