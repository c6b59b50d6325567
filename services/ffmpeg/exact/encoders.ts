import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CHILD_ENVIRONMENT } from "../sandbox.ts";

/** What is to be kept of a picture when it's encoded again: as ffprobe prints it, "unknown" and absent alike. */
export type PictureFormat = {
  codec: string | undefined;
  profile: string | undefined;
  pixelFormat: string | undefined;
  colorRange: string | undefined;
  colorSpace: string | undefined;
  colorTransfer: string | undefined;
  colorPrimaries: string | undefined;
  chromaLocation: string | undefined;
  /** "tt" and "bb", or "tb" and "bt" where coding order differs: interlaced. */
  fieldOrder: string | undefined;
};

export type Encoder = {
  /** Codec of what it makes, as ffprobe names it. */
  codec: string;
  options: string[];
  /** Filters that its pictures need. */
  filters: string[];
};

/** Two keyframes at most this far apart, as libx264 does by itself. */
const LONGEST_GROUP = "250";

/** Below what an eye can tell, and above 45 dB on camera material: docs/decisions/exact-cut.md */
const X264_QUALITY = "15";
const X265_QUALITY = "15";

/** Sequence and picture set ids of encoded H.264: the largest there is, which no common encoder uses. */
const OWN_SET_ID = "31";

const X264_PROFILES: Readonly<Record<string, string>> = {
  "Constrained Baseline": "baseline",
  Baseline: "baseline",
  Main: "main",
  High: "high",
  "High 10": "high10",
  "High 4:2:2": "high422",
  "High 4:4:4 Predictive": "high444",
};

const isInterlaced = ({ fieldOrder }: PictureFormat): boolean =>
  fieldOrder !== undefined && ["tt", "bb", "tb", "bt"].includes(fieldOrder);

const topFirst = ({ fieldOrder }: PictureFormat): boolean => fieldOrder === "tt" || fieldOrder === "tb";

type Recipe = { encoder: string; codec: string; options: (format: PictureFormat) => string[] };

const x264: Recipe = {
  encoder: "libx264",
  codec: "h264",
  options: (format) => {
    const profile = X264_PROFILES[format.profile ?? ""];
    const interlaced = isInterlaced(format) && profile !== "baseline";
    const fields = interlaced ? `:${topFirst(format) ? "tff" : "bff"}=1` : "";
    return [
      ...["-preset", "veryfast", "-crf", X264_QUALITY, "-sc_threshold", "0", "-forced-idr", "1"],
      ...(profile === undefined ? [] : ["-profile:v", profile]),
      ...["-x264-params", `sps-id=${OWN_SET_ID}${fields}`],
      ...(interlaced ? ["-flags:v", "+ilme+ildct"] : []),
    ];
  },
};

const x265: Recipe = {
  encoder: "libx265",
  codec: "hevc",
  options: () => [
    ...["-preset", "veryfast", "-crf", X265_QUALITY, "-forced-idr", "1"],
    ...["-x265-params", "log-level=error:bframes=0:scenecut=0:open-gop=0"],
  ],
};

/** Fixed quantisers: 1 is the finest, and 2 can't be told from it. */
const fine = (encoder: string, codec = encoder, ...options: string[]): Recipe => ({
  encoder,
  codec,
  options: (format) => ["-q:v", "2", ...options, ...(isInterlaced(format) ? ["-flags:v", "+ilme+ildct"] : [])],
});

const plain = (encoder: string, codec: string, ...options: string[]): Recipe => ({
  encoder,
  codec,
  options: () => options,
});

/**
 * For each codec the encoders to try, best first. libtheora can't be told where to begin anew, so it does with every frame.
 * Each makes one packet of a frame, in presentation order.
 */
const RECIPES: Readonly<Record<string, readonly Recipe[]>> = {
  h264: [x264],
  hevc: [x265, x264],
  mpeg1video: [fine("mpeg1video")],
  mpeg2video: [fine("mpeg2video")],
  mpeg4: [fine("mpeg4")],
  mjpeg: [fine("mjpeg")],
  prores: [plain("prores_ks", "prores")],
  dnxhd: [x264],
  ffv1: [plain("ffv1", "ffv1")],
  theora: [plain("libtheora", "theora", "-q:v", "10", "-g", "1")],
  vp8: [
    plain(
      "libvpx",
      "vp8",
      ...["-deadline", "realtime", "-cpu-used", "4", "-crf", "4", "-qmin", "0", "-qmax", "12", "-b:v", "100M"],
      ...["-auto-alt-ref", "0", "-lag-in-frames", "0"],
    ),
  ],
  vp9: [
    plain(
      "libvpx-vp9",
      "vp9",
      ...["-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1", "-crf", "12", "-b:v", "0"],
      ...["-auto-alt-ref", "0", "-lag-in-frames", "0"],
    ),
  ],
  av1: [
    plain(
      "libaom-av1",
      "av1",
      ...["-usage", "realtime", "-cpu-used", "8", "-row-mt", "1", "-crf", "16", "-b:v", "0", "-lag-in-frames", "0"],
    ),
  ],
};

/** Four luma samples share a chroma sample: sizes must be even. */
const NEEDS_EVEN_SIZES = ["libx264", "libx265"];

const given = (option: string, value: string | undefined): string[] =>
  value === undefined || value === "unknown" || value === "unspecified" || value === "reserved" ? [] : [option, value];

/** The pictures' own format, as options of the encoder. */
const formatOptions = (format: PictureFormat): string[] => [
  ...given("-pix_fmt", format.pixelFormat),
  ...given("-color_range", format.colorRange),
  ...given("-colorspace", format.colorSpace),
  ...given("-color_trc", format.colorTransfer),
  ...given("-color_primaries", format.colorPrimaries),
  ...given("-chroma_sample_location", format.chromaLocation),
];

const listed = new Map<string, Promise<ReadonlySet<string>>>();

/** The encoders that this ffmpeg was built with. */
function encodersOf(binary: string): Promise<ReadonlySet<string>> {
  const known = listed.get(binary);
  if (known !== undefined) return known;
  const list = promisify(execFile)(binary, ["-hide_banner", "-encoders"], {
    env: CHILD_ENVIRONMENT,
    maxBuffer: 2 ** 24,
  }).then(({ stdout }) => new Set(stdout.split("\n").flatMap((line) => /^ V\S{5} (\S+)/.exec(line)?.[1] ?? [])));
  listed.set(binary, list);
  return list;
}

/**
 * How pictures of this format are encoded again: in their own codec where this ffmpeg can, else in H.264. Undefined
 * where it has neither.
 */
export async function chooseEncoder(binary: string, format: PictureFormat): Promise<Encoder | undefined> {
  const available = await encodersOf(binary);
  const recipes = [...(RECIPES[format.codec ?? ""] ?? []), x264];
  const recipe = recipes.find(({ encoder }) => available.has(encoder));
  if (recipe === undefined) return undefined;
  const sameCodec = recipe.codec === format.codec;
  const kept = sameCodec ? format : { ...format, profile: undefined, pixelFormat: "yuv420p" };
  const even = NEEDS_EVEN_SIZES.includes(recipe.encoder) ? ["pad=ceil(iw/2)*2:ceil(ih/2)*2"] : [];
  return {
    codec: recipe.codec,
    options: [
      ...["-c:v", recipe.encoder, "-bf", "0", "-g", LONGEST_GROUP],
      ...recipe.options(kept),
      ...formatOptions(kept),
    ],
    filters: even,
  };
}
