import { describe, expect, it } from "vitest";
import { sampleLocation } from "../../../services/ffmpeg/formats/iso/sample-location.ts";
import { box, words } from "../../fixtures/boxes.ts";

/** Six samples of 10, 20, 30… bytes: two chunks of two, then two of one. */
const SIZES = box("stsz", words(0, 0, 6, 10, 20, 30, 40, 50, 60));
const RUNS = box("stsc", words(0, 2, 1, 2, 1, 3, 1, 1));
const SHORT = box("stco", words(0, 4, 100, 200, 300, 400));
/** Behind the first 4 GB. */
const LONG = box("co64", words(0, 4, 1, 100, 1, 200, 1, 300, 1, 400));

const table = (...boxes: Buffer[]): DataView => {
  const { buffer, byteOffset, length } = Buffer.concat(boxes);
  return new DataView(buffer, byteOffset, length);
};

describe("where a sample of an MP4 is", () => {
  it("follows from its chunk and the samples before it", () => {
    const all = [0, 1, 2, 3, 4, 5].map((sample) => sampleLocation(table(SIZES, RUNS, SHORT), sample));
    expect(all).toEqual([
      { offset: 100, size: 10 },
      { offset: 110, size: 20 },
      { offset: 200, size: 30 },
      { offset: 230, size: 40 },
      { offset: 300, size: 50 },
      { offset: 400, size: 60 },
    ]);
  });

  it("may be behind the first 4 GB", () => {
    expect(sampleLocation(table(SIZES, RUNS, LONG), 3)).toEqual({ offset: 2 ** 32 + 230, size: 40 });
  });

  it.each<[string, Buffer[]]>([
    ["sizes are missing", [RUNS, SHORT]],
    ["runs are missing", [SIZES, SHORT]],
    ["chunks are missing", [SIZES, RUNS]],
    ["runs go back", [SIZES, SHORT, box("stsc", words(0, 2, 3, 2, 1, 1, 1, 1))]],
    ["runs go beyond the chunks", [SIZES, SHORT, box("stsc", words(0, 2, 1, 2, 1, 9, 1, 1))]],
    ["the sample is beyond the last chunk", [SIZES, SHORT, box("stsc", words(0, 1, 1, 1, 1))]],
  ])("isn't known where %s", (_, boxes) => expect(sampleLocation(table(...boxes), 5)).toBeUndefined());
});
