import { describe, expect, it } from "vitest";
import { damageTest } from "../../../services/ffmpeg/formats/damage.ts";
import { pictureHasher } from "../../../services/ffmpeg/formats/nal/units.ts";
import { GapFinder, lacksSync } from "../../../services/ffmpeg/source/lost-packets.ts";
import { NEVER } from "../../fixtures/quiet.ts";

const slice = (...bytes: number[]): Buffer => Buffer.from([0x65, 0x88, ...bytes]);
const framed = (unit: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, unit.length]), unit]);

describe("the test of a packet's bytes", () => {
  it.each([
    ["h264", "a picture", framed(slice(1, 2, 3)), false],
    ["h264", "zeros", Buffer.alloc(64), true],
    ["h264", "a length beyond the packet", Buffer.from([0, 0, 9, 9, 0x65, 1]), true],
    ["h264", "a unit of length 0", Buffer.concat([framed(slice(1, 2, 3)), Buffer.alloc(4)]), true],
    ["h264", "zeros within a slice", framed(slice(1, 0, 0, 0, 1)), true],
    ["mpeg4", "a picture", Buffer.from([0, 0, 1, 0xb6, 0x10]), false],
    ["mpeg4", "the picture before, repeated", Buffer.from([0x7f]), false],
    ["mpeg4", "noise", Buffer.from([9, 8, 7, 6, 5]), true],
    ["vp9", "a picture", Buffer.from([0x82, 0x49]), false],
    ["vp9", "zeros", Buffer.alloc(9), true],
    ["prores", "a picture", Buffer.concat([Buffer.from("\0\0\x10\0icpf"), Buffer.alloc(64)]), false],
    ["prores", "zeros", Buffer.alloc(99), true],
  ])("%s: %s", (codec, _name, packet, isDamaged) => {
    const test = damageTest(codec);
    test(codec === "h264" ? framed(slice(1, 2, 3)) : packet);
    expect(test(packet)).toBe(isDamaged);
  });

  it("a packet of zeros doesn't decide how a stream's pictures are framed", () => {
    const startCodes = Buffer.concat([Buffer.from([0, 0, 0, 1]), slice(1, 2, 3)]);
    const hash = pictureHasher("h264");
    hash(Buffer.alloc(64));
    expect(hash(startCodes)).toBe(pictureHasher("h264")(framed(slice(1, 2, 3))));
  });
});

describe("gaps between packets", () => {
  /** Ten packets a second of 100 bytes each, up to `until` seconds. */
  function readUntil(until: number): GapFinder {
    const finder = new GapFinder();
    for (let packet = 0; packet < 10 * until; packet += 1) finder.add(100 * packet, packet / 10, 0.1);
    return finder;
  }

  it("given time and bytes without a packet, then packets are missing", () => {
    const finder = readUntil(2);
    expect(finder.add(5_000, 5, 0.1)).toBe(true);
    expect(finder.gaps).toEqual([{ packet: 20, from: 1_900, to: 5_000 }]);
  });

  it("given a pause, which has no bytes, then none are", () => {
    expect(readUntil(2).add(2_000, 5, 0.1)).toBe(false);
  });

  it("given a container without positions, then none are", () => {
    expect(readUntil(2).add(undefined, 5, 0.1)).toBe(false);
  });

  it("a transport stream lacks sync bytes where it was overwritten", async () => {
    const bytes = Buffer.alloc(188 * 20).fill(1);
    for (let at = 0; at < bytes.length; at += 188) bytes[at] = 0x47;
    const source = {
      size: bytes.length,
      async *read(start: number, end: number) {
        yield bytes.subarray(start, end + 1);
      },
    };
    const gap = { packet: 1, from: 188, to: bytes.length };
    expect(await lacksSync(source, gap, NEVER)).toBe(false);
    bytes.fill(0, 188 * 5, 188 * 9);
    expect(await lacksSync(source, gap, NEVER)).toBe(true);
  });
});
