import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BitReader, contentBits } from "../../../services/ffmpeg/formats/h264/bit-reader.ts";
import { BitWriter } from "../../../services/ffmpeg/formats/h264/bit-writer.ts";
import {
  parsePictureParameterSet,
  writePictureParameterSet,
} from "../../../services/ffmpeg/formats/h264/picture-parameter-set.ts";
import { streamSets } from "../../../services/ffmpeg/formats/h264/pictures.ts";
import { escaped, unescaped } from "../../../services/ffmpeg/formats/nal/bits.ts";
import { avcParameterSets, withAvcSets } from "../../../services/ffmpeg/formats/nal/decoder-configuration.ts";
import { lengthFramed } from "../../../services/ffmpeg/formats/nal/units.ts";
import { behind, replacing } from "../../fixtures/arguments.ts";
import { changeAvcConfiguration } from "../../fixtures/changed-avcc.ts";
import { type CutOptions, cutFile } from "../../fixtures/cut.ts";
import { readH264 } from "../../fixtures/h264-streams.ts";
import { binaries, decodedFrames, ffmpeg, ffprobe } from "../../fixtures/media.ts";
import { ffmpegAfter, where } from "../../fixtures/stand-in.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { makeTwoDescriptions } from "../../fixtures/two-descriptions.ts";

/** What makes an anchored segment right, and which faults of one lead to a stitched segment. */

const KEYFRAME = 75;
/** Of the second segment, which begins in the first group of pictures. */
const BEGIN = 50;
const SEGMENT_FRAMES = 50;

/** 6 seconds with keyframes at 0 and 3, with B pictures. */
async function makeSource(name: string, ...options: string[]): Promise<string> {
  const path = join(await temporaryFolder(), name);
  const picture = "testsrc2=duration=6:size=160x90:rate=25,noise=alls=6:allf=t";
  const groups = ["-g", String(KEYFRAME), "-keyint_min", String(KEYFRAME), "-sc_threshold", "0", "-threads", "1"];
  const x264 = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "medium", ...groups];
  await ffmpeg("-f", "lavfi", "-i", picture, ...x264, ...options, path);
  return path;
}

async function cut(path: string, options: Partial<CutOptions> = {}) {
  const directory = join(await temporaryFolder(), "segments");
  await mkdir(directory);
  return cutFile(path, { cut: "exact", segmentSeconds: 2, directory, boundary: "anchored", ...options });
}

/** Cuts a source, and checks that its second segment is anchored. Resolves with that segment's file. */
async function anchored(source: string, options: Partial<CutOptions> = {}): Promise<string> {
  const { segments, warnings } = await cut(source, options);
  expect(warnings).toEqual([]);
  const { path, proof } = segments[1]!;
  expect(proof.anchoredFrames).toBeGreaterThan(15);
  expect((await decodedFrames(path))[0]).toHaveLength(proof.frames);
  return path;
}

/** NAL units of a segment's packets, in decode order. */
const unitsOf = async (path: string): Promise<Buffer[][]> =>
  (await readH264(path)).packets.map(({ data }) => lengthFramed(data)!);

describe("an anchored segment", () => {
  it("says how far pictures are reordered where the source doesn't", async () => {
    const source = await makeSource("unrestricted.mp4");
    await changeAvcConfiguration(source, (configuration) => {
      const { sequence, sequenceUnit, units } = streamSets(configuration);
      const writer = new BitWriter();
      writer.copy(unescaped(sequenceUnit.subarray(1)), 0, sequence.restrictionAt!);
      writer.flag(false);
      writer.trailing();
      const unrestricted = Buffer.concat([sequenceUnit.subarray(0, 1), escaped(writer.bytes())]);
      return withAvcSets(
        configuration,
        [unrestricted],
        units.filter((unit) => unit !== sequenceUnit),
      );
    });
    expect(streamSets((await readH264(source)).configuration).sequence.restriction).toBeUndefined();
    const { sequence } = streamSets((await readH264(await anchored(source))).configuration);
    expect(sequence.restriction).toEqual({ maxNumReorderFrames: 2, maxDecFrameBuffering: 15 });
  });

  it("has no message about decoding times in front of its keyframe", async () => {
    const source = await makeSource("hrd.mp4", "-x264-params", "nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900");
    const isTiming = (unit: Buffer) => (unit[0]! & 31) === 6 && unit[1] === 1;
    const hasTiming = (units: Buffer[]) => units.some(isTiming);
    expect((await unitsOf(source)).every(hasTiming)).toBe(true);
    const units = await unitsOf(await anchored(source));
    expect(units.slice(0, KEYFRAME - BEGIN).some(hasTiming)).toBe(false);
    expect(units.slice(KEYFRAME - BEGIN, KEYFRAME - BEGIN + 15).every(hasTiming)).toBe(true);
  });

  it("has anchors without the source's scaling matrices", async () => {
    const source = await makeSource("matrices.mp4", "-x264-params", "cqm=jvt");
    // x264 writes them into its picture parameter set. They are the default ones of a sequence.
    await changeAvcConfiguration(source, (configuration) => {
      const { sequenceUnit, units } = streamSets(configuration);
      const [picture] = units.filter((unit) => unit !== sequenceUnit);
      const rbsp = unescaped(sequenceUnit.subarray(1));
      const reader = new BitReader(rbsp);
      reader.u(24);
      // Id, chroma format, two bit depths; lossless macroblocks.
      for (let code = 0; code < 4; code += 1) reader.ue();
      reader.flag();
      const writer = new BitWriter();
      writer.copy(rbsp, 0, reader.position);
      writer.flag(true);
      writer.u(8, 0);
      writer.copy(rbsp, reader.position + 1, contentBits(rbsp));
      writer.trailing();
      const sequence = Buffer.concat([sequenceUnit.subarray(0, 1), escaped(writer.bytes())]);
      const set = parsePictureParameterSet(picture!);
      expect(set.hasScalingMatrix).toBe(true);
      return withAvcSets(configuration, [sequence], [writePictureParameterSet(set, false)]);
    });
    expect(streamSets((await readH264(source)).configuration).sequence.hasScalingMatrix).toBe(true);
    await anchored(source);
  });

  it("has the pixels' aspect that the source has, where that is none", async () => {
    // The coded size is 160 x 96.
    const source = await makeSource("no-aspect.mp4", "-vf", "setsar=0");
    // The first segment's last frame is encoded with the second one's anchors.
    const { segments } = await cut(source, { segmentSeconds: 1.92 });
    expect(segments.slice(0, 2).map(({ proof }) => proof.copiedFrames < proof.frames)).toEqual([true, true]);
    const aspects = ["-select_streams", "v", "-show_entries", "frame=sample_aspect_ratio", "-of", "csv=p=0"];
    const files = [source, ...segments.map(({ path }) => path)];
    const found = await Promise.all(files.map((file) => ffprobe(...aspects, file)));
    expect(found.flatMap((lines) => lines.match(/\d+:\d+/g) ?? [])).toEqual([]);
  });

  it("has a picture parameter set for anchors, and another one for its tail", async () => {
    const source = await makeSource("many-sets.mp4");
    await changeAvcConfiguration(source, (configuration) => {
      const { sequenceUnit, units } = streamSets(configuration);
      const [own] = units.filter((unit) => unit !== sequenceUnit);
      const set = parsePictureParameterSet(own!);
      const others = Array.from({ length: 31 }, (_, id) => writePictureParameterSet({ ...set, id }, false));
      return withAvcSets(configuration, [sequenceUnit], others);
    });
    // The second segment ends in front of a B picture.
    const sets = avcParameterSets((await readH264(await anchored(source, { segmentSeconds: 1.96 }))).configuration);
    expect(sets.filter((unit) => (unit[0]! & 31) === 7)).toHaveLength(2);
    expect(sets.filter((unit) => (unit[0]! & 31) === 8)).toHaveLength(31 + 2);
  });
});

describe("no segment is anchored", () => {
  it("where sample descriptions change", async () => {
    const options = ["-g", "75", "-keyint_min", "75", "-sc_threshold", "0", "-preset"];
    const halves = ["veryfast", "medium"].map((preset) => ({ seconds: 6, options: [...options, preset] }));
    const { infos, segments, warnings } = await cut(await makeTwoDescriptions(await temporaryFolder(), halves));
    expect(infos).toContain("No segment is anchored");
    expect(warnings).toEqual([]);
    expect(segments).toHaveLength(6);
  });

  it("of another codec", { tags: "full" }, async () => {
    const path = join(await temporaryFolder(), "hevc.mp4");
    const picture = "testsrc2=duration=3:size=160x90:rate=25";
    const x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25:min-keyint=25"];
    await ffmpeg("-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", ...x265, "-tag:v", "hvc1", path);
    const { infos, segments } = await cut(path, { segmentSeconds: 1.5 });
    expect(infos).not.toContain("No segment is anchored");
    expect(segments.map(({ made }) => made)).toEqual(["copied", "stitched"]);
  });
});

/** Does this in the ffmpeg that decodes an anchored head. */
const inCheck = (then: string): string => where("+ignorecrop -noautorotate -f mp4", then);
/** Does this in the ffmpeg that encodes anchors. */
const inEncoder = (then: string): string => where("-qp 8", then);

/** Changes the first byte of P slices in front of the second IDR picture of the second segment. */
const OTHER_IMPORTANCE = `
const { readFileSync, writeFileSync } = require("node:fs");
const path = process.argv[1];
const bytes = readFileSync(path);
const idr = Buffer.from([0, 0, 1, 0x65]);
const end = bytes.indexOf(idr, bytes.indexOf(idr) + 1);
const slice = Buffer.from([0, 0, 1, 0x41]);
for (let at = bytes.indexOf(slice); at !== -1 && at < end; at = bytes.indexOf(slice, at + 1)) bytes[at + 3] = 0x61;
writeFileSync(path, bytes);
`;

/** Cases of what others of these test, too. */
const FULL = ["failing.mp4", "anchors.mp4", "slices.mp4"];

describe("a segment is stitched without anchors where", () => {
  const faults: [string, string, (binary: string) => string, RegExp][] = [
    [
      "a frame of its head can't be decoded",
      "missing.mp4",
      () => inCheck(behind("wrapped_avframe", "-frames:v", "5")),
      /5 of at least 25 encoded frames at a boundary can be decoded/,
    ],
    [
      "the decoder reports something",
      "reported.mp4",
      () => inCheck('echo "reference is missing" >&2'),
      /the decoder reports errors in the encoded frames at a boundary: reference is missing/,
    ],
    [
      "the decoder fails",
      "failing.mp4",
      (binary) => inCheck(`'${binary}' "$@"; exit 1`),
      /the encoded frames at a boundary can't be decoded/,
    ],
    [
      "fewer frames can be compared",
      "compared.mp4",
      () => inEncoder(behind("rawvideo", "-frames:v", "2")),
      /2 of \d sampled frames can be decoded/,
    ],
    [
      "fewer anchors were encoded",
      "anchors.mp4",
      () => inEncoder(behind("passthrough", "-frames:v", "1")),
      /1 of \d+ anchors were encoded/,
    ],
    [
      "an anchor has several slices",
      "slices.mp4",
      () => inEncoder(replacing(":slices=1:", ":slices=4:")),
      /an encoded picture has 4 slices/,
    ],
    [
      "a copied slice was altered",
      "altered.ts",
      (binary) =>
        `for out in "$@"; do :; done; ${where(
          "-output_ts_offset",
          `case "$out" in *00001*) '${binary}' "$@" && '${process.execPath}' -e '${OTHER_IMPORTANCE}' "$out"; exit $?;; esac`,
        )}`,
      /frame \d+ of the segment was altered/,
    ],
  ];
  for (const [name, file, script, reason] of faults)
    it(name, { tags: FULL.includes(file) ? "full" : [] }, async () => {
      const source = await makeSource(file);
      const { ffmpeg: binary } = await binaries;
      const { segments, warnings } = await cut(source, {
        standIn: await ffmpegAfter(await temporaryFolder(), script(binary), "faulty-ffmpeg"),
      });
      expect(warnings).toEqual([expect.stringMatching(/^Stitching with fewer anchors .*"from_segment":1/)]);
      expect(warnings[0]).toMatch(reason);
      expect(segments.map(({ made }) => made)).toEqual(["stitched", "stitched", "encoded"]);
      expect(segments[1]!.proof).not.toHaveProperty("anchoredFrames");
      expect((await decodedFrames(segments[1]!.path))[0]).toHaveLength(SEGMENT_FRAMES);
    });
});
