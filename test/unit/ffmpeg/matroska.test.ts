import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { element, elementsIn, integer, readVint, unsigned } from "../../../services/ffmpeg/formats/matroska/ebml.ts";
import { ID } from "../../../services/ffmpeg/formats/matroska/ids.ts";
import {
  type MatroskaTrack,
  readMatroska,
  type StreamPacket,
} from "../../../services/ffmpeg/formats/matroska/reader.ts";
import { matroskaCluster, matroskaHeader } from "../../../services/ffmpeg/formats/matroska/writer.ts";

const UNREADABLE = expect.objectContaining({ code: "CutFailed", reason: "UnreadableMedia" });
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const unknownSize = (id: string): Buffer => Buffer.concat([hex(id), hex("01ffffffffffffff")]);

const SEGMENT = unknownSize("18538067");
const CLUSTER = unknownSize("1f43b675");
const block = (...bytes: number[]) => element(ID.SimpleBlock, Buffer.from(bytes));

async function read(...parts: Buffer[]) {
  const packets: StreamPacket[] = [];
  let tracks: MatroskaTrack[] = [];
  // In chunks, as from a pipe.
  const whole = Buffer.concat(parts);
  const pieces = Array.from({ length: Math.ceil(whole.length / 7) }, (_, at) => whole.subarray(at * 7, at * 7 + 7));
  await readMatroska(
    Readable.from(pieces),
    (found) => {
      tracks = found;
    },
    (packet) => void packets.push(packet),
  );
  return { packets, tracks };
}

const track = (number: number, delay = 0): MatroskaTrack => ({
  number,
  entry: element(ID.TrackEntry, element(ID.TrackNumber, integer(number))),
  codecPrivate: undefined,
  delay,
});

describe("EBML integers", () => {
  it("are read to their last byte, of whichever length", () => {
    expect(unsigned(hex("0000 0000 000f 4240"))).toBe(1_000_000);
    expect(unsigned(hex("001f ffff ffff ffff"))).toBe(Number.MAX_SAFE_INTEGER);
    expect(unsigned(hex("12 3456 789a bcde"))).toBe(0x123456789abcde);
    expect(unsigned(hex("0102 0304 0506"))).toBe(0x010203040506);
    expect(unsigned(Buffer.alloc(0))).toBe(0);
    expect(unsigned(undefined)).toBe(0);
  });

  it("are rejected above the largest real time or size", () => {
    expect(() => unsigned(hex("0020 0000 0000 0000"))).toThrow(UNREADABLE);
    expect(() => unsigned(Buffer.alloc(9))).toThrow(UNREADABLE);
    expect(() => integer(-1)).toThrow(UNREADABLE);
    expect(() => integer(0.5)).toThrow(UNREADABLE);
    expect(() => integer(2 ** 53)).toThrow(UNREADABLE);
  });

  it("of variable length have up to 8 bytes", () => {
    expect(readVint(hex("81"), 0)).toEqual({ length: 1, value: 1, isAllOnes: false });
    expect(readVint(hex("ff"), 0)).toEqual({ length: 1, value: 127, isAllOnes: true });
    expect(readVint(hex("00 407f"), 1)).toEqual({ length: 2, value: 127, isAllOnes: false });
    expect(readVint(hex("0100 0000 0000 0005"), 0)).toEqual({ length: 8, value: 5, isAllOnes: false });
    expect(readVint(hex("00 ffff ffff ffff ffff ff"), 0)).toBeUndefined();
    expect(readVint(hex("0100 0000"), 0)).toBeUndefined();
    expect(readVint(hex("81"), 1)).toBeUndefined();
  });

  it("give the length of elements, which never extend beyond their parent", () => {
    const [one, other] = [element(ID.TrackNumber, integer(1)), element(ID.CodecDelay, integer(2))];
    expect([...elementsIn(Buffer.concat([one, other]))].map(({ id }) => id)).toEqual([ID.TrackNumber, ID.CodecDelay]);
    for (const body of [one.subarray(0, -1), hex("d7 ff"), hex("d7"), hex("00 81"), hex("08000000 81 00")])
      expect(() => [...elementsIn(body)]).toThrow(UNREADABLE);
  });
});

describe("reading a Matroska stream", () => {
  it("finds tracks and packets, however sizes and times are written", async () => {
    const entry = Buffer.concat([
      element(ID.TrackNumber, integer(1)),
      element(ID.CodecDelay, integer(6_500_000)),
      element(ID.CodecPrivate, hex("0102")),
    ]);
    const { packets, tracks } = await read(
      element(ID.EBML, element(ID.DocType, Buffer.from("matroska"))),
      SEGMENT,
      element(ID.Info, element(ID.TimestampScale, integer(1_000_000))),
      element(ID.Tracks, element(ID.TrackEntry, entry)),
      CLUSTER,
      element(ID.Timestamp, integer(70_000)),
      block(0x81, 0x00, 0x28, 0x80, 0xaa),
      block(0x40, 0xc8, 0xff, 0xff, 0x00, 0xbb),
      element(ID.Cluster, element(ID.Timestamp, integer(80_000))),
      CLUSTER,
      block(0x81, 0x00, 0x01, 0x00),
    );
    expect(tracks).toMatchObject([{ number: 1, delay: 6_500, codecPrivate: hex("0102") }]);
    expect(packets).toEqual([
      { track: 1, time: 70.04, key: true, data: hex("aa") },
      { track: 200, time: 69.999, key: false, data: hex("bb") },
      // A cluster without a time starts at zero.
      { track: 1, time: 0.001, key: false, data: Buffer.alloc(0) },
    ]);
  });

  it("finds the keyframes among block groups: those without a ReferenceBlock", async () => {
    const grouped = (...others: Buffer[]) =>
      element(ID.BlockGroup, Buffer.concat([element(ID.Block, hex("81 0000 00 aa")), ...others]));
    const { packets } = await read(SEGMENT, CLUSTER, grouped(), grouped(element(ID.ReferenceBlock, hex("ff"))));
    expect(packets.map(({ key }) => key)).toEqual([true, false]);
  });

  it("ends without an error where the stream is truncated: its writer reports why", async () => {
    const whole = Buffer.concat([SEGMENT, CLUSTER, block(0x81, 0, 0, 0, 1, 2, 3)]);
    for (let length = 0; length < whole.length; length += 1)
      expect((await read(whole.subarray(0, length))).packets).toEqual([]);
  });

  it.each([
    ["a zero where an element begins", hex("00 ffff ffff ffff ffff ff")],
    ["an id of 5 bytes", hex("08 0000 0000 81 00")],
    ["a size of 9 bytes", hex("ec 00 0000 0000 0000 0000")],
    ["an element of unknown size", unknownSize("1654ae6b")],
    ["an element of 2^55 bytes", hex("1654ae6b 0180000000000000")],
    ["a block of two bytes", element(ID.SimpleBlock, hex("81 00"))],
    ["a block of no bytes", element(ID.SimpleBlock, Buffer.alloc(0))],
    ["a block of several packets", block(0x81, 0, 0, 0x02, 1)],
    ["an invalid track number", block(0x00, 0, 0, 0, 1)],
    ["a time of 9 bytes", element(ID.Timestamp, Buffer.alloc(9, 1))],
    ["an element beyond its parent", element(ID.Tracks, hex("ae 85 00"))],
    ["ids of 8 bytes", element(ID.EBML, element(ID.EBMLMaxIDLength, integer(8)))],
    ["sizes of 9 bytes", element(ID.EBML, element(ID.EBMLMaxSizeLength, integer(9)))],
  ])("refuses %s", async (_what, bytes) => {
    await expect(read(SEGMENT, bytes)).rejects.toEqual(UNREADABLE);
  });
});

describe("writing a Matroska file", () => {
  it("writes what is read back, for any number of tracks", async () => {
    const tracks = Array.from({ length: 200 }, (_, at) => track(at * 1_000 + 3, at));
    const header = matroskaHeader(tracks);
    const packets = [0, 125, 126, 127, 199].map((at) => ({
      track: header.tracks[at]!,
      time: 10_000_000 + at,
      duration: 40_000,
      key: at !== 126,
      data: Buffer.from([at]),
    }));
    const found = await read(header.bytes, ...packets.map(matroskaCluster));
    expect(found.tracks.map(({ number }) => number)).toEqual(tracks.map((_, at) => at + 1));
    expect(found.packets).toEqual(
      packets.map(({ track: { number, delay }, time, key, data }) => ({
        track: number,
        time: (time + delay) / 1_000_000,
        key,
        data,
      })),
    );
  });

  it("doesn't change CodecPrivate", () => {
    const entry = Buffer.concat([element(ID.CodecPrivate, hex("d78109")), element(ID.TrackNumber, integer(9))]);
    const { tracks } = matroskaHeader([{ ...track(9), entry: element(ID.TrackEntry, entry) }]);
    expect(tracks[0]!.entry.includes(hex("d78109"))).toBe(true);
  });

  it("rejects a negative time and more tracks than a block can state", () => {
    const packet = { track: track(1), duration: undefined, key: true, data: Buffer.alloc(0) };
    expect(() => matroskaCluster({ ...packet, time: -1_000_500 })).toThrow(UNREADABLE);
    expect(() => matroskaCluster({ ...packet, time: 0, track: track(2 ** 14) })).toThrow(UNREADABLE);
  });
});
