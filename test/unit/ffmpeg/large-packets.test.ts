import { afterEach, describe, expect, it } from "vitest";
import { escaped, unescaped } from "../../../services/ffmpeg/formats/nal/bits.ts";
import { pictureMessages } from "../../../services/ffmpeg/formats/nal/sei-messages.ts";
import { lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";
import { ByteReader } from "../../../services/ffmpeg/process/byte-reader.ts";
import { setBudget } from "../../../services/ffmpeg/process/limits.ts";
import { readPackets } from "../../../services/ffmpeg/process/packet-lines.ts";
import { budgetOf } from "../../../services/split/domain/budget.ts";
import { cpuMilliseconds } from "../../fixtures/cpu-time.ts";
import { randomFrom } from "../../fixtures/random.ts";

afterEach(() => setBudget(budgetOf()));

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* textOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

/** A simple implementation of unescaping, byte by byte. */
function unescapedSlowly(unit: Buffer): number[] {
  const bytes: number[] = [];
  let zeros = 0;
  for (const byte of unit) {
    const isEscape = zeros >= 2 && byte === 3;
    if (!isEscape) bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return bytes;
}

describe("reading buffers from a stream", () => {
  it("returns the same bytes, however they are chunked", async () => {
    const random = randomFrom(7);
    const bytes = Buffer.from(Array.from({ length: 1_000 }, () => Math.floor(random() * 256)));
    for (const chunk of [1, 3, 64, 1_000]) {
      const reader = new ByteReader(chunksOf(bytes, chunk));
      const read: Buffer[] = [];
      for (let size = 0; size < 40; size += 1) read.push((await reader.read(size))!);
      expect(Buffer.concat(read)).toEqual(bytes.subarray(0, 780));
      expect(await reader.read(221)).toBeUndefined();
    }
  });

  it("takes time proportional to the bytes, not to chunks times bytes", async () => {
    const begun = cpuMilliseconds();
    const bytes = Buffer.alloc(24 * 2 ** 20);
    expect((await new ByteReader(chunksOf(bytes, 4_096)).read(bytes.length))?.length).toBe(bytes.length);
    expect(cpuMilliseconds() - begun).toBeLessThan(1_000);
  });
});

describe("escaping bytes", () => {
  it("follows the specification for any bytes", () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const random = randomFrom(seed);
      const unit = Buffer.from(Array.from({ length: 60 }, () => Math.floor(random() * 5)));
      expect([...unescaped(unit)]).toEqual(unescapedSlowly(unit));
      expect(unescaped(escaped(unit))).toEqual(unit);
    }
  });

  it("takes one pass", () => {
    const begun = cpuMilliseconds();
    expect(unescaped(Buffer.alloc(6_000_000, Buffer.from([0, 0, 3]))).length).toBe(4_000_000);
    expect(cpuMilliseconds() - begun).toBeLessThan(1_000);
  });

  it("isn't attempted for SEI units larger than a real picture's", () => {
    const message = (bytes: number) =>
      lengthPrefixed([Buffer.concat([Buffer.from([6, 4, 2, 1, 1, 5, 1]), Buffer.alloc(bytes)])]);
    expect(pictureMessages("h264", message(100)).length).toBeGreaterThan(0);
    expect(pictureMessages("h264", message(300_000))).toEqual([]);
  });
});

describe("a packet that is too large for memory", () => {
  it("is rejected before it's read", async () => {
    setBudget({ ...budgetOf(), packetBytes: 10 });
    const lines = (size: number) => textOf(`#tb 0: 1/25\n0, 0, 0, 1, ${size}, 0x0\n`);
    const read = async (size: number) =>
      (await Array.fromAsync(readPackets(lines(size), chunksOf(Buffer.alloc(11), 4)))).map(({ data }) => data.length);
    expect(await read(10)).toEqual([10]);
    await expect(read(11)).rejects.toMatchObject({ reason: "LimitExceeded", retryable: false });
  });
});
