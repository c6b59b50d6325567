import { describe, expect, it } from "vitest";
import { masteringMetadataAdder } from "../../../services/ffmpeg/exact/mastering-metadata.ts";
import { pictureMessages, sequenceMessages, withMessages } from "../../../services/ffmpeg/formats/nal/sei-messages.ts";
import { lengthFramed, lengthPrefixed } from "../../../services/ffmpeg/formats/nal/units.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** Content light level (144, 4 bytes) with zeros that are escaped, and a caption (4, 2 bytes). */
const LIGHT = { type: 144, payload: hex("00000001") };
const CAPTION = { type: 4, payload: hex("b500") };
const HEVC_UNIT = hex("4e01 9004 000003 0001 0402 b500 80");
const SLICE = hex("2601 af");

describe("SEI messages of a stream", () => {
  it("are those that affect what a viewer sees: of all pictures, and of one", () => {
    expect(sequenceMessages("hevc", [HEVC_UNIT, SLICE])).toEqual([LIGHT]);
    expect(pictureMessages("hevc", lengthPrefixed([HEVC_UNIT, SLICE]))).toEqual([CAPTION]);
    // 5, x265's description of itself, with a length above 255.
    const own = Buffer.concat([hex("06 05 ff01"), Buffer.alloc(256, 7), hex("9004 00010002 80")]);
    expect(sequenceMessages("h264", [own])).toEqual([{ type: 144, payload: hex("00010002") }]);
  });

  it("are added before the picture, each type once", () => {
    const packet = lengthPrefixed([hex("4001 0c"), SLICE]);
    const written = withMessages("hevc", packet, [LIGHT, CAPTION]);
    const units = lengthFramed(written)!;
    expect(units.map((unit) => unit[0])).toEqual([0x40, 0x4e, 0x4e, 0x26]);
    expect(units[1]).toEqual(hex("4e01 9004 000003 0001 80"));
    expect(sequenceMessages("hevc", units)).toEqual([LIGHT]);
    expect(pictureMessages("hevc", written)).toEqual([CAPTION]);
    expect(withMessages("hevc", written, [LIGHT, CAPTION])).toEqual(written);
  });

  it("of a truncated unit are those before its end", () => {
    for (let length = 0; length <= HEVC_UNIT.length; length += 1)
      expect(sequenceMessages("hevc", [HEVC_UNIT.subarray(0, length)]).length).toBeLessThanOrEqual(1);
  });
});

describe("SEI messages of a source's first packet", () => {
  const startCoded = Buffer.concat([hex("00000001"), HEVC_UNIT, hex("000001"), SLICE]);
  const keyframe = lengthPrefixed([SLICE]);

  it("are added to each encoded keyframe, for both codecs and both formats", () => {
    const written = masteringMetadataAdder("hevc", startCoded, "hevc")(keyframe);
    expect(sequenceMessages("hevc", lengthFramed(written)!)).toEqual([LIGHT]);
    const other = masteringMetadataAdder("hevc", startCoded, "h264")(lengthPrefixed([hex("65 88")]));
    expect(sequenceMessages("h264", lengthFramed(other)!)).toEqual([LIGHT]);
    const [light, frame] = [hex("2a 05 01 03e80190"), hex("32 01 00")];
    const source = Buffer.concat([hex("0a 01 00"), light, frame]);
    expect(masteringMetadataAdder("av1", source, "av1")(Buffer.concat([hex("0a 01 00"), frame]))).toEqual(source);
  });

  it("are left out when the codecs don't share them, or there is no packet", () => {
    expect(masteringMetadataAdder("av1", startCoded, "h264")(keyframe)).toEqual(keyframe);
    expect(masteringMetadataAdder("mpeg4", startCoded, "mpeg4")(keyframe)).toEqual(keyframe);
    expect(masteringMetadataAdder("hevc", undefined, "hevc")(keyframe)).toEqual(keyframe);
  });
});
