import { describe, expect, it } from "vitest";
import { findBox } from "../../../services/ffmpeg/formats/iso/boxes.ts";
import { type MoviePatch, patchMovie } from "../../../services/ffmpeg/formats/iso/patch-movie.ts";
import { box, words } from "../../fixtures/boxes.ts";

/**
 * A movie of 15 frames of 512 ticks (the last one differs) at 12,800 ticks per second; the movie's
 * timescale is milliseconds.
 */
function movie(lastTicks: number, long = false): DataView {
  const version = long ? 1 << 24 : 0;
  /** Times and durations are 32 or 64 bits. */
  const wide = (value: number) => (long ? words(0, value) : words(value));
  const header = (clock: number, duration: number) =>
    Buffer.concat([words(version), wide(0), wide(0), words(clock), wide(duration), words(0)]);
  const media = box(
    "mdia",
    box("mdhd", header(12_800, 14 * 512)),
    box("hdlr", words(0, 0), Buffer.from("vide"), words(0, 0, 0)),
    box("minf", box("stbl", box("stts", words(0, 2, 14, 512, 1, lastTicks)))),
  );
  const track = Buffer.concat([words(version), wide(0), wide(0), words(1, 0), wide(560), Buffer.alloc(60)]);
  const edits = box("edts", box("elst", words(version, 1), wide(560), wide(0), words(65_536)));
  const whole = Buffer.concat([box("mvhd", header(1_000, 560)), box("trak", box("tkhd", track), edits, media)]);
  return new DataView(whole.buffer, whole.byteOffset, whole.length);
}

const patched = (view: DataView, patch: Partial<MoviePatch>): DataView => {
  patchMovie(view, { created: undefined, displayMatrix: undefined, ...patch });
  return view;
};

const CREATED = Date.parse("2021-06-05T04:03:02.400Z");
/** Seconds from 1904 to 2021-06-05T04:03:02. */
const CREATED_SECONDS = 3_705_710_582;

describe("a finished movie", () => {
  it.each([
    [0, false],
    [0, true],
    [1, false],
  ])("gets a last duration where it has %i ticks (64 bits: %s)", (ticks, long) => {
    const view = patched(movie(ticks, long), { lastDuration: 0.04 });
    const [media, track, edits] = [
      ["trak", "mdia", "mdhd"],
      ["trak", "tkhd"],
      ["trak", "edts", "elst"],
    ].map((path) => findBox(view, ...path)!);
    expect(findBox(view, "trak", "mdia", "minf", "stbl", "stts")!.getUint32(20)).toBe(512);
    expect(media!.getUint32(long ? 28 : 16)).toBe(15 * 512 - ticks);
    expect(track!.getUint32(long ? 32 : 20)).toBe(600);
    expect(edits!.getUint32(long ? 12 : 8)).toBe(600);
    expect(findBox(view, "mvhd")!.getUint32(long ? 28 : 16)).toBe(600);
  });

  it("keeps a last duration that it has", () => {
    const bytesOf = ({ buffer, byteOffset, byteLength }: DataView) => new Uint8Array(buffer, byteOffset, byteLength);
    expect(bytesOf(patched(movie(600), { lastDuration: 0.04 }))).toEqual(bytesOf(movie(600)));
  });

  it.each([false, true])("gets its creation time in all headers (64 bits: %s)", (long) => {
    const view = patched(movie(512, long), { created: CREATED });
    for (const path of [["mvhd"], ["trak", "tkhd"], ["trak", "mdia", "mdhd"]])
      expect(findBox(view, ...path)!.getUint32(long ? 8 : 4)).toBe(CREATED_SECONDS);
  });

  it("gets the display matrix of its video, with signs", () => {
    const matrix = [0, 65_536, 0, -65_536, 0, 0, 0, 0, 2 ** 30];
    const header = findBox(patched(movie(512), { displayMatrix: matrix }), "trak", "tkhd")!;
    expect(matrix.map((_, at) => header.getInt32(40 + at * 4))).toEqual(matrix);
  });
});
