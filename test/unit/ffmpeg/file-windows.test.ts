import { describe, expect, it } from "vitest";
import { FileWindows } from "../../../services/ffmpeg/proof/file-windows.ts";

const KB = 1024;
const CONTENT = Buffer.from(Array.from({ length: 1_500 * KB }, (_, at) => (at * 7 + (at >> 10)) % 251));

/** A file that counts what is read of it. */
function countedFile() {
  let bytes = 0;
  const read = async (into: Buffer, at: number, length: number, position: number) => {
    const bytesRead = CONTENT.copy(into, at, position, position + length);
    bytes += bytesRead;
    return { bytesRead };
  };
  return { file: { read } as unknown as ConstructorParameters<typeof FileWindows>[0], bytes: () => bytes };
}

const RANGES: [number, number][] = [
  [0, 8],
  [100 * KB, 500 * KB],
  [500 * KB, 700 * KB],
  [650 * KB, 1_400 * KB],
  [1_400 * KB, 1_500 * KB],
  [0, 40 * KB],
];

describe("the windows of a file", () => {
  it("have the file's bytes", async () => {
    const { file } = countedFile();
    const windows = new FileWindows(file, CONTENT.length);
    for (const [start, end] of RANGES)
      expect(CONTENT.subarray(start, end).equals(await windows.read(start, end))).toBe(true);
    await expect(async () => windows.read(1_490 * KB, 1_501 * KB)).rejects.toMatchObject({
      code: "UnexpectedEndOfFile",
    });
  });

  it("have them for readers that don't wait for each other", async () => {
    const { file } = countedFile();
    const windows = new FileWindows(file, CONTENT.length);
    const read = async ([start, end]: [number, number]) =>
      CONTENT.subarray(start, end).equals(await windows.read(start, end));
    expect(await Promise.all(RANGES.map(read))).toEqual(RANGES.map(() => true));
  });

  it("read nothing twice where the file is read forward", async () => {
    const { file, bytes } = countedFile();
    const windows = new FileWindows(file, CONTENT.length);
    for (let at = 0; at < CONTENT.length; at += 90 * KB) await windows.read(at, Math.min(CONTENT.length, at + 90 * KB));
    expect(bytes()).toBe(CONTENT.length);
  });
});
