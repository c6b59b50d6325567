import { describe, expect, it } from "vitest";
import { ByteReader } from "../../../services/ffmpeg/process/byte-reader.ts";
import { randomFrom } from "../../fixtures/random.ts";

/** Chunks of 1 to 40 bytes, each in memory of its own, and the bytes in them. */
function randomChunks(random: () => number) {
  const chunks = Array.from({ length: 60 }, () => {
    const chunk = Buffer.allocUnsafeSlow(1 + Math.floor(random() * 40));
    for (let at = 0; at < chunk.length; at += 1) chunk[at] = Math.floor(random() * 256);
    return chunk;
  });
  return { chunks, all: Buffer.concat(chunks) };
}

async function* streamOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

describe("reading a stream in requested sizes", () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`returns its bytes in order, whether they are lent or not (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      const { chunks, all } = randomChunks(random);
      const reader = new ByteReader(streamOf(chunks), { ownsChunks: true });
      const kept: { at: number; bytes: Buffer }[] = [];
      let at = 0;
      for (;;) {
        const size = Math.floor(random() * 60);
        if (at + size > all.length) break;
        const isLent = random() < 0.5;
        const bytes = await (isLent ? reader.lend(size) : reader.read(size));
        expect(bytes).toEqual(all.subarray(at, at + size));
        if (!isLent) kept.push({ at, bytes: bytes! });
        at += size;
      }
      expect(await reader.lend(all.length - at + 1)).toBeUndefined();
      // What was read, and not lent, stays.
      for (const { at: from, bytes } of kept) expect(bytes).toEqual(all.subarray(from, from + bytes.length));
    });

  it("frees chunks that nobody else has, as soon as they were lent", async () => {
    const { chunks, all } = randomChunks(randomFrom(6));
    const reader = new ByteReader(streamOf(chunks), { ownsChunks: true });
    for (let at = 0; at + 50 < all.length; at += 50) await reader.lend(50);
    const freed = chunks.filter(({ length }) => length === 0).length;
    expect(freed).toBeGreaterThan(chunks.length - 5);
  });

  it("leaves chunks alone that others may have", async () => {
    const { chunks, all } = randomChunks(randomFrom(7));
    const reader = new ByteReader(streamOf(chunks));
    for (let at = 0; at + 50 < all.length; at += 50) await reader.lend(50);
    expect(Buffer.concat(chunks)).toEqual(all);
  });
});
