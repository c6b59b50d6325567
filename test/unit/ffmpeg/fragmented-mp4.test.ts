import { describe, expect, it } from "vitest";
import { fragmentHeader, Mp4Header, mp4HeaderOf } from "../../../services/ffmpeg/formats/iso/fragments.ts";
import { box } from "../../fixtures/boxes.ts";

const UNREADABLE = expect.objectContaining({ code: "CutFailed", reason: "UnreadableMedia" });

const CONFIGURATION = Buffer.from("0164001effe1", "hex");
const entry = box("avc1", Buffer.alloc(78), box("avcC", CONFIGURATION), box("pasp", Buffer.alloc(8)));
const head = Buffer.concat([
  box("ftyp", Buffer.from("isom")),
  box(
    "moov",
    box("mvhd", Buffer.alloc(100)),
    box(
      "trak",
      box(
        "mdia",
        box("mdhd", Buffer.alloc(24)),
        box("minf", box("stbl", box("stsd", Buffer.from("0000000000000001", "hex"), entry))),
      ),
    ),
  ),
]);
const SAMPLE = { duration: 512, size: 100, key: true, offset: 0 };

describe("the header of a fragmented MP4", () => {
  it("ends where the first fragment begins", () => {
    expect(mp4HeaderOf(Buffer.concat([head, box("moof"), box("mdat")]), "h264").bytes).toEqual(head);
    expect(mp4HeaderOf(Buffer.alloc(64), "h264").bytes).toHaveLength(0);
  });

  it("can get another timescale and decoder configuration, and updates the sizes of all parents", () => {
    const longer = Buffer.alloc(20, 7);
    const changed = new Mp4Header(head, "h264").withClock(90_000).withConfiguration(longer);
    expect(changed.configuration).toEqual(longer);
    expect(changed.bytes).toHaveLength(head.length + longer.length - CONFIGURATION.length);
    expect(mp4HeaderOf(changed.bytes, "h264").configuration).toEqual(longer);
    expect(new Mp4Header(head, "h264").configuration).toEqual(CONFIGURATION);
  });

  it("is rejected when a required box is missing or incomplete", () => {
    expect(() => new Mp4Header(head, "hevc").configuration).toThrow(UNREADABLE);
    for (let length = 0; length < head.length; length += 1) {
      expect(() => new Mp4Header(head.subarray(0, length), "h264").configuration).toThrow(UNREADABLE);
      expect(() => new Mp4Header(head.subarray(0, length), "h264").withClock(1)).toThrow(UNREADABLE);
    }
    const large = Buffer.from(head);
    large.writeUInt32BE(1, head.indexOf("mdhd") - 4);
    expect(() => new Mp4Header(large, "h264").withClock(1)).toThrow(UNREADABLE);
  });
});

describe("a fragment", () => {
  it("rejects times that don't fit into its fields", () => {
    expect(fragmentHeader(2 ** 40, [{ ...SAMPLE, offset: -512 }]).length).toBeGreaterThan(100);
    expect(() => fragmentHeader(-1, [SAMPLE])).toThrow(UNREADABLE);
    expect(() => fragmentHeader(0, [{ ...SAMPLE, duration: 2 ** 32 }])).toThrow(UNREADABLE);
    expect(() => fragmentHeader(0, [{ ...SAMPLE, offset: -(2 ** 31) - 1 }])).toThrow(UNREADABLE);
  });
});
