import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeIndex, encodeIndex } from "../../../services/aws/packet-index-codec.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";

function indexOf(...times: number[]): PacketIndex {
  const index = new PacketIndex();
  for (const time of times) index.add({ time, duration: 0.04, key: time === 0, shown: true });
  return index;
}

describe("a stored index", () => {
  it("isn't made where a time jumps by more than half an hour, or isn't a whole microsecond", async () => {
    expect(await encodeIndex({ index: indexOf(0, 2_200), truncated: false })).toBeUndefined();
    expect(await encodeIndex({ index: indexOf(0, 1 / 3), truncated: false })).toBeUndefined();
    expect(await encodeIndex({ index: indexOf(0, 2_000), truncated: false })).toBeDefined();
  });

  it("is refused where it's cut off, or has bytes behind its columns", async () => {
    const encoded = (await encodeIndex({ index: indexOf(0, 0.04), truncated: false }))!;
    expect((await decodeIndex(encoded)).index.count).toBe(2);
    const bytes = gunzipSync(encoded);
    for (const other of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.alloc(1)])])
      await expect(decodeIndex(gzipSync(other))).rejects.toThrow(`the index has ${other.length} bytes for 2 packets`);
  });
});
