import { FfmpegError } from "../process/errors.ts";
import { eachLine } from "../process/lines.ts";
import { runProgram } from "../process/program.ts";
import type { PictureFormat } from "../source/picture-format.ts";

export type Encoder = {
  /** Codec of what it makes, as ffprobe names it. */
  codec: string;
  options: string[];
  /** Filters that its pictures need. */
  filters: string[];
  /**
   * The clock of the times that it's given, as ffmpeg's -enc_time_base: "-1" is the source's own.
   */
  clock: string;
};

/** Frames between two keyframes, as libx264 has it by default. */
const MAX_GOP_FRAMES = "250";

/** No difference can be seen, and above 45 dB on camera material: docs/decisions/exact-cut.md */
const X264_QUALITY = "15";
const X265_QUALITY = "15";

/**
 * Sequence and picture set ids of encoded H.264: the largest there is, which no common encoder
 * uses.
 */
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

type Recipe = {
  encoder: string;
  codec: string;
  options: (format: PictureFormat) => string[];
  /** Undefined where the format can't be encoded. */
  clock?: (format: PictureFormat) => string | undefined;
};

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

/** Fixed quantisers: 1 is the finest, and 2 looks the same. */
const fine = (encoder: string, codec = encoder, ...options: string[]): Recipe => ({
  encoder,
  codec,
  options: (format) => ["-q:v", "2", ...options, ...(isInterlaced(format) ? ["-flags:v", "+ilme+ildct"] : [])],
});

/** Frame rates that MPEG-1 and 2 know, as their clocks. ISO/IEC 13818-2, table 6-4. */
const MPEG_CLOCKS = ["1001:24000", "1:24", "1:25", "1001:30000", "1:30", "1:50", "1001:60000", "1:60"];

function mpegClock({ averageFps }: PictureFormat): string | undefined {
  if (averageFps === undefined) return undefined;
  return MPEG_CLOCKS.find((clock) => {
    const [ticks, scale] = clock.split(":").map(Number) as [number, number];
    return Math.abs((averageFps * ticks) / scale - 1) < 0.0005;
  });
}

const plain = (encoder: string, codec: string, ...options: string[]): Recipe => ({
  encoder,
  codec,
  options: () => options,
});

/**
 * For each codec the encoders to try, best first. Each makes one packet of a frame, in presentation
 * order. libtheora has no option for where to put a keyframe, so every frame is one.
 */
const RECIPES: Readonly<Record<string, readonly Recipe[]>> = {
  h264: [x264],
  hevc: [x265, x264],
  mpeg1video: [{ ...fine("mpeg1video"), clock: mpegClock }],
  mpeg2video: [{ ...fine("mpeg2video"), clock: mpegClock }],
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
      ...["-deadline", "good", "-cpu-used", "5", "-crf", "4", "-qmin", "0", "-qmax", "12", "-b:v", "100M"],
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

/** What each ffmpeg was built with, once it has listed it. */
const listings = new Map<string, ReadonlySet<string>>();

/**
 * The encoders that this ffmpeg was built with. A listing that fails says nothing about the file,
 * and isn't kept.
 */
async function encodersOf(binary: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const known = listings.get(binary);
  if (known !== undefined) return known;
  const encoders = new Set<string>();
  const run = { program: "ffmpeg", binary, args: ["-hide_banner", "-encoders"], stdout: true, signal } as const;
  try {
    await runProgram(run, async ({ outputs: [stdout] }) =>
      eachLine(stdout!, (line) => {
        const [, name] = /^ V\S{5} (\S+)/.exec(line) ?? [];
        if (name !== undefined) encoders.add(name);
      }),
    );
  } catch (error) {
    if (!(error instanceof FfmpegError)) throw error;
    throw new Error(`${binary} can't list its encoders: ${error.message}`, { cause: error });
  }
  listings.set(binary, encoders);
  return encoders;
}

function encoderOf(recipe: Recipe, format: PictureFormat): Encoder | undefined {
  const sameCodec = recipe.codec === format.codec;
  const kept = sameCodec ? format : { ...format, profile: undefined, pixelFormat: "yuv420p" };
  const clock = recipe.clock === undefined ? SOURCE_CLOCK : recipe.clock(format);
  if (clock === undefined) return undefined;
  return {
    codec: recipe.codec,
    options: [
      ...["-c:v", recipe.encoder, "-bf", "0", "-g", MAX_GOP_FRAMES],
      ...recipe.options(kept),
      ...formatOptions(kept),
    ],
    filters: NEEDS_EVEN_SIZES.includes(recipe.encoder) ? ["pad=ceil(iw/2)*2:ceil(ih/2)*2"] : [],
    clock,
  };
}

const SOURCE_CLOCK = "-1";

/**
 * How pictures of this format can be encoded again, best first: in their own codec where this
 * ffmpeg can, then in H.264. Empty where it has neither. Throws the signal's reason when aborted.
 */
export async function encodersFor(binary: string, format: PictureFormat, signal: AbortSignal): Promise<Encoder[]> {
  const available = await encodersOf(binary, signal);
  const recipes = [...(RECIPES[format.codec ?? ""] ?? []).filter((recipe) => recipe !== x264), x264];
  return recipes.filter(({ encoder }) => available.has(encoder)).flatMap((recipe) => encoderOf(recipe, format) ?? []);
}
