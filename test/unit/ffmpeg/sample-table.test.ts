import { describe, expect, it } from "vitest";
import { readSampleTable } from "../../../services/ffmpeg/source/sample-table.ts";
import { isTruncated } from "../../../services/ffmpeg/source/truncation.ts";
import { box, words } from "../../fixtures/boxes.ts";

const NEVER = new AbortController().signal;
const UNREADABLE = expect.objectContaining({ code: "CutFailed", reason: "UnreadableMedia" });

const ranged = (bytes: Buffer) => ({
  size: bytes.length,
  async *read(start: number, end: number) {
    yield bytes.subarray(start, end + 1);
  },
});

const TABLES = {
  stsd: words(0, 1, 8, 0),
  stts: words(0, 1, 3, 512),
  stss: words(0, 1, 1),
  stsz: words(0, 0, 3, 10, 10, 10),
  stsc: words(0, 1, 1, 3, 1),
  stco: words(0, 1, 8),
};

/** A file with one video track of three samples, some of whose tables are replaced. */
function movie(tables: Record<string, Buffer> = {}, others: { track?: Buffer[]; movie?: Buffer[] } = {}): Buffer {
  const all = Object.entries({ ...TABLES, ...tables }).map(([type, body]) => box(type, body));
  const handler = box("hdlr", words(0, 0), Buffer.from("vide"));
  const header = box("mdhd", words(0, 0, 0, 12_800, 1_536, 0));
  const media = box("mdia", header, handler, box("minf", box("stbl", ...all)));
  const track = box("trak", ...(others.track ?? []), media);
  return Buffer.concat([box("mdat", Buffer.alloc(30)), box("moov", ...(others.movie ?? []), track)]);
}

/** Two different descriptions of one codec. */
const DESCRIBED = { stsd: words(0, 2, 12, 0, 1, 12, 0, 2) };

const packets = async (bytes: Buffer) => {
  const found = await readSampleTable(ranged(bytes), 0, NEVER);
  return found && [...found.packets];
};

describe("the sample table of an MP4", () => {
  it("has each sample's time, duration and keyframe flag", async () => {
    expect(await packets(movie())).toEqual([
      { time: 0, duration: 0.04, key: true, position: 8 },
      { time: 0.04, duration: 0.04, key: false },
      { time: 0.08, duration: 0.04, key: false },
    ]);
  });

  it("has the position of each chunk's first sample", async () => {
    const positions = async (tables: Record<string, Buffer>) =>
      (await packets(movie(tables)))?.map(({ position }) => position);
    expect(await positions({ stsc: words(0, 2, 1, 2, 1, 2, 1, 1), stco: words(0, 2, 8, 28) })).toEqual([
      8,
      undefined,
      28,
    ]);
    expect(await positions({ stsc: words(0, 1, 1, 0, 1) })).toEqual([undefined, undefined, undefined]);
  });

  it("has each sample's description when there are several", async () => {
    const changing = movie({ ...DESCRIBED, stsc: words(0, 2, 1, 2, 1, 2, 1, 2), stco: words(0, 2, 8, 28) });
    expect((await packets(changing))?.map(({ description }) => description)).toEqual([0, 0, 1]);
  });

  it("merges identical descriptions", async () => {
    const repeated = movie({
      stsd: words(0, 2, 8, 0, 8, 0),
      stsc: words(0, 2, 1, 2, 1, 2, 1, 2),
      stco: words(0, 2, 8, 28),
    });
    expect((await packets(repeated))?.map(({ description }) => description)).toEqual([undefined, undefined, undefined]);
  });

  it.each<[string, Buffer]>([
    ["an edit list without a body", movie({}, { track: [box("edts", box("elst"))] })],
    ["an edit list of 2^32 entries", movie({}, { track: [box("edts", box("elst", words(0, 0xffffffff)))] })],
    ["2^32 sample sizes", movie({ stsz: words(0, 0, 0xffffffff) })],
    ["2^32 - 1 samples of one size", movie({ stsz: words(0, 10, 0xffffffff), stts: words(0, 1, 0xffffffff, 512) })],
    ["runs that cover more samples than there are", movie({ stts: words(0, 2, 0xffffffff, 1, 0xffffffff, 1) })],
    ["runs that cover fewer", movie({ stts: words(0, 1, 2, 512) })],
    ["a sample of 2^31 ticks", movie({ stts: words(0, 2, 1, 0x80000000, 2, 512) })],
    ["samples that have more bytes than the file", movie({ stsz: words(0, 0, 3, 10, 10, 0x7fffffff) })],
    [
      "millions of samples that a few bytes state",
      movie({ stsz: words(0, 1, 8_000_000), stts: words(0, 1, 8_000_000, 1) }),
    ],
    ["no samples", movie({ stsz: words(0, 10, 0), stts: words(0, 0) })],
    ["a table that is shorter than stated", movie({ stss: words(0, 9, 1) })],
    ["a chunk beyond the end", movie({ stco: words(0, 1, 0xffffff) })],
    ["a size without a number", movie({ stsz: words(0, 10) })],
    ["sample descriptions of two codecs", movie({ stsd: words(0, 2, 8, 0, 8, 1) })],
    ["a missing sample description", movie({ ...DESCRIBED, stsc: words(0, 1, 1, 3, 3) })],
    ["chunks that don't hold all samples", movie({ ...DESCRIBED, stsc: words(0, 1, 1, 2, 1) })],
    ["a timescale of zero", movie().fill(0, movie().indexOf("mdhd") + 16, movie().indexOf("mdhd") + 20)],
    ["only empty boxes", box("moov", box("trak", box("mdia", box("minf", box("stbl")))))],
  ])("isn't used with %s", async (_what, bytes) => {
    expect(await packets(bytes)).toBeUndefined();
  });

  it("ignores sync samples beyond the last sample", async () => {
    const found = await packets(movie({ stss: words(0, 3, 0, 2, 0xffffffff) }));
    expect(found?.map(({ key }) => key)).toEqual([false, true, false]);
  });

  it("rejects a million boxes", async () => {
    const empty = Buffer.alloc(8_000_000, box("free"));
    await expect(packets(movie({}, { movie: [empty] }))).rejects.toEqual(UNREADABLE);
  });

  it("lets other tasks run while it reads many tracks of many boxes", async () => {
    const track = box("trak", ...Array<Buffer>(900).fill(box("free")));
    const bytes = movie({}, { movie: Array<Buffer>(200).fill(track) });
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    });
    await packets(bytes);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(5);
  });

  it("rejects media data in other files", async () => {
    const elsewhere = box("dref", words(0, 1), box("url ", words(0), Buffer.from("file:///etc/passwd")));
    const bytes = movie({}, { movie: [box("trak", box("mdia", box("minf", box("dinf", elsewhere))))] });
    await expect(packets(bytes)).rejects.toEqual(UNREADABLE);
  });
});

describe("whether a file is truncated", () => {
  const EBML = Buffer.from("1a45dfa3 83 428101".replaceAll(" ", ""), "hex");
  const segment = (size: string) => Buffer.concat([EBML, Buffer.from(`18538067${size}`, "hex"), Buffer.alloc(20)]);

  it.each<[string, string, Buffer, boolean]>([
    ["a Matroska segment of the file's length", "matroska,webm", segment("94"), false],
    ["a longer one", "matroska,webm", segment("95"), true],
    ["one with a size field of 8 bytes", "matroska,webm", segment("01 00 00 00 00 00 00 15".replaceAll(" ", "")), true],
    ["one of unknown size", "matroska,webm", segment("01ffffffffffffff"), false],
    ["an invalid size", "matroska,webm", segment("00"), false],
    ["no Matroska", "matroska,webm", Buffer.alloc(50), false],
    ["a RIFF chunk beyond the end", "avi", Buffer.from("RIFF\x30\0\0\0AVI \0\0\0\0"), true],
    ["a RIFF chunk of size 0, as live recorders leave it", "avi", Buffer.from("RIFF\0\0\0\0AVI \0\0\0\0"), false],
    ["four bytes", "avi", Buffer.from("RIFF"), false],
    ["a box beyond the end", "mov,mp4", movie().subarray(0, -1), true],
    ["whole boxes", "mov,mp4", movie(), false],
    ["half a box's header", "mov,mp4", Buffer.concat([movie(), Buffer.alloc(5)]), false],
    ["nothing", "mov,mp4", Buffer.alloc(0), false],
  ])("%s", async (_what, format, bytes, expected) => {
    expect(await isTruncated(ranged(bytes), format, NEVER)).toBe(expected);
  });
});
