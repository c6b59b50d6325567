import type { VideoFormat } from "../source/video-format.ts";

/**
 * How each codec is encoded: every frame has 45 dB or more, whatever it shows. docs/decisions/exact-cut.md
 */
export type EncoderSettings = {
  /** ffmpeg's name of the encoder. */
  encoder: string;
  /** Codec of what it makes, as ffprobe names it. */
  codec: string;
  options: (format: VideoFormat) => string[];
  /** The clock of the times that it's given. Undefined where the format can't be encoded. */
  clock?: (format: VideoFormat) => string | undefined;
  /** Decoders that give the transparency of its codec. Undefined: ffmpeg's usual one does. */
  alphaDecoder?: string;
  /** Whether it encodes transparency. */
  keepsAlpha?: boolean;
  /** What it writes without going back. Default: Matroska. */
  stream?: "ivf";
  /** As `Encoder` has them. Default: MAX_FRAMES, and none for each thread. */
  frames?: number;
  threadFrames?: number;
};

/** Of most encoders, and what decodes for them. */
export const MAX_FRAMES = 36;

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

const isInterlaced = ({ fieldOrder }: VideoFormat): boolean =>
  fieldOrder !== undefined && ["tt", "bb", "tb", "bt"].includes(fieldOrder);

const topFirst = ({ fieldOrder }: VideoFormat): boolean => fieldOrder === "tt" || fieldOrder === "tb";

/** Bits of a sample, by the pixel format's name; 8 where it has no number. */
export const depthOf = (pixelFormat: string | undefined): number =>
  Number(/p(\d+)(?:le|be)$/.exec(pixelFormat ?? "")?.[1] ?? 8);

/**
 * The coarsest quantiser at which noise, which is the worst case, has 45 dB: its step's square is
 * 16 at most, of which rounding takes an eighth. x264 counts from the depth's own finest one.
 */
const X264_QUANTISER = 16;
const QUANTISERS_PER_BIT = 6;
const X265_QUANTISER = 14;

/**
 * Without looking ahead, which says where keyframes and bits go: both are given, and it takes frames
 * into memory. Without what makes a picture look better and measure worse: bits are moved to where
 * they are seen, and small differences are dropped.
 */
const X264_EXACTNESS =
  "rc-lookahead=0:sync-lookahead=0:aq-mode=0:mbtree=0:psy=0:trellis=0:deadzone-inter=6:deadzone-intra=6";
const X265_EXACTNESS = "rc-lookahead=0:frame-threads=1:aq-mode=0:cutree=0:psy-rd=0:psy-rdoq=0:rdoq-level=0:ipratio=1";

export const x264: EncoderSettings = {
  encoder: "libx264",
  codec: "h264",
  options: (format) => {
    const profile = X264_PROFILES[format.profile ?? ""];
    const interlaced = isInterlaced(format) && profile !== "baseline";
    const fields = interlaced ? `:${topFirst(format) ? "tff" : "bff"}=1` : "";
    const quantiser = X264_QUANTISER + QUANTISERS_PER_BIT * (depthOf(format.pixelFormat) - 8);
    return [
      ...["-preset", "veryfast", "-qp", String(quantiser), "-sc_threshold", "0", "-forced-idr", "1"],
      ...(profile === undefined ? [] : ["-profile:v", profile]),
      ...["-x264-params", `sps-id=${OWN_SET_ID}:${X264_EXACTNESS}${fields}`],
      ...(interlaced ? ["-flags:v", "+ilme+ildct"] : []),
    ];
  },
  frames: 28,
  threadFrames: 4,
};

const x265: EncoderSettings = {
  encoder: "libx265",
  codec: "hevc",
  options: () => [
    ...["-preset", "veryfast", "-forced-idr", "1", "-x265-params"],
    `log-level=error:bframes=0:scenecut=0:open-gop=0:qp=${X265_QUANTISER}:${X265_EXACTNESS}`,
  ],
  frames: 42,
};

/** Fixed quantisers: 1 is the finest. */
const fine = (encoder: string, quantiser: number, ...options: string[]): EncoderSettings => ({
  encoder,
  codec: encoder,
  options: (format) => [
    ...["-q:v", String(quantiser), "-qmin", "1", ...options],
    ...(isInterlaced(format) ? ["-flags:v", "+ilme+ildct"] : []),
  ],
});

/** All coefficients alike, as in what is predicted from other pictures. */
const FLAT_MATRIX = ["-intra_matrix", ["8", ...Array<string>(63).fill("16")].join(",")];

/** Frame rates that MPEG-1 and 2 know, as their clocks. ISO/IEC 13818-2, table 6-4. */
const MPEG_CLOCKS = ["1001:24000", "1:24", "1:25", "1001:30000", "1:30", "1:50", "1001:60000", "1:60"];

function mpegClock({ averageFps }: VideoFormat): string | undefined {
  if (averageFps === undefined) return undefined;
  return MPEG_CLOCKS.find((clock) => {
    const [ticks, scale] = clock.split(":").map(Number) as [number, number];
    return Math.abs((averageFps * ticks) / scale - 1) < 0.0005;
  });
}

const plain = (encoder: string, codec: string, ...options: string[]): EncoderSettings => ({
  encoder,
  codec,
  options: () => options,
});

const PRORES_PROFILES: Readonly<Record<string, string>> = {
  ...{ Proxy: "0", LT: "1", Standard: "2", HQ: "3", "4444": "4", XQ: "5" },
};

/** Each frame is encoded as it comes, and none is made of several. */
const VPX_IN_ORDER = ["-auto-alt-ref", "0", "-lag-in-frames", "0"];

/**
 * For each codec the encoders to try, best first. Each makes one packet of a frame, in presentation
 * order. libtheora has no option for where to put a keyframe, so every frame is one, as of FFV1; its finest is
 * 41 dB for noise. MPEG-1 has no room for larger values: its finest that holds them all has 43 dB.
 */
export const ENCODERS_BY_CODEC: Readonly<Record<string, readonly EncoderSettings[]>> = {
  h264: [x264],
  hevc: [x265, x264],
  mpeg1video: [{ ...fine("mpeg1video", 2, ...FLAT_MATRIX), clock: mpegClock }],
  mpeg2video: [{ ...fine("mpeg2video", 3, "-non_linear_quant", "1", "-qmax", "28", ...FLAT_MATRIX), clock: mpegClock }],
  mpeg4: [fine("mpeg4", 1)],
  mjpeg: [fine("mjpeg", 1)],
  prores: [
    {
      ...plain("prores_ks", "prores"),
      options: ({ profile }) => ["-q:v", "8", ...optionIfKnown("-profile:v", PRORES_PROFILES[profile ?? ""])],
      keepsAlpha: true,
    },
  ],
  dnxhd: [x264],
  ffv1: [{ ...plain("ffv1", "ffv1", "-g", "1"), keepsAlpha: true, frames: 112 }],
  theora: [plain("libtheora", "theora", "-q:v", "10", "-g", "1")],
  vp8: [
    {
      ...plain(
        "libvpx",
        "vp8",
        ...["-deadline", "good", "-cpu-used", "5", "-crf", "4", "-qmin", "0", "-qmax", "4", "-b:v", "100M"],
        ...VPX_IN_ORDER,
      ),
      alphaDecoder: "libvpx",
      keepsAlpha: true,
    },
  ],
  vp9: [
    {
      ...plain(
        "libvpx-vp9",
        "vp9",
        ...["-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1"],
        ...["-crf", "6", "-qmin", "0", "-qmax", "6", "-b:v", "0", ...VPX_IN_ORDER],
      ),
      alphaDecoder: "libvpx-vp9",
      keepsAlpha: true,
      frames: 60,
    },
  ],
  av1: [
    {
      ...plain(
        "libaom-av1",
        "av1",
        ...["-usage", "realtime", "-cpu-used", "8", "-row-mt", "1"],
        ...["-crf", "7", "-qmin", "0", "-qmax", "7", "-b:v", "0", "-lag-in-frames", "0"],
      ),
      // Its configuration comes with the first packet, when Matroska's head is written already.
      stream: "ivf",
    },
  ],
};

/** Nothing where there's no value to give. */
export const optionIfKnown = (option: string, value: string | undefined): string[] =>
  value === undefined || value === "unknown" || value === "unspecified" || value === "reserved" ? [] : [option, value];
