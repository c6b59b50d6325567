import type { VideoFormat } from "../source/video-format.ts";

/**
 * How a codec is encoded. Every frame, whatever its content, gets 45 dB or more, except where said
 * otherwise: docs/decisions/exact-cut.md
 */
export type EncoderSettings = {
  /** ffmpeg's name of the encoder. */
  encoder: string;
  /** Codec of its output, as ffprobe names it. */
  codec: string;
  options: (format: VideoFormat) => string[];
  /** Time base of its input. Undefined when the format can't be encoded. */
  clock?: (format: VideoFormat) => string | undefined;
  /** Decoder that returns the codec's transparency; undefined: ffmpeg's default one does. */
  alphaDecoder?: string;
  /** Whether it encodes transparency. */
  keepsAlpha?: boolean;
  /** A container that its output can be streamed in. Default: Matroska. */
  stream?: "ivf";
  /** See `Encoder`. Default: MAX_FRAMES, and none for each thread. */
  frames?: number;
  threadFrames?: number;
};

/** Memory of most encoders with their decoder, in frames. */
export const MAX_FRAMES = 36;

/** Parameter set id of encoded H.264: the largest one, which no common encoder uses. */
const PARAMETER_SET_ID = "31";

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

/** Bits per sample, from the pixel format's name; 8 when it has no number. */
export const depthOf = (pixelFormat: string | undefined): number =>
  Number(/p(\d+)(?:le|be)$/.exec(pixelFormat ?? "")?.[1] ?? 8);

/**
 * The coarsest quantiser at which noise, the worst case, gets 45 dB: the square of its step is at
 * most 16, an eighth of which is rounding error. x264 counts from the finest one of a bit depth.
 */
const X264_QUANTISER = 16;
const QUANTISERS_PER_BIT = 6;
const X265_QUANTISER = 14;

/**
 * Lookahead is off: it chooses keyframes and bit rates, which are given here, and keeps frames in
 * memory. Options that look better and measure worse are off: they move bits to where they are
 * seen, and drop small differences. Deblocking takes moving noise for edges of blocks: up to 6 dB.
 */
const X264_EXACTNESS =
  "rc-lookahead=0:sync-lookahead=0:aq-mode=0:mbtree=0:psy=0:trellis=0:deadzone-inter=6:deadzone-intra=6:no-deblock=1";
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
      ...["-x264-params", `sps-id=${PARAMETER_SET_ID}:${X264_EXACTNESS}${fields}`],
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

/** Settings with a fixed quantiser; 1 is the finest. */
const fixedQuantiser = (encoder: string, quantiser: number, ...options: string[]): EncoderSettings => ({
  encoder,
  codec: encoder,
  options: (format) => [
    ...["-q:v", String(quantiser), "-qmin", "1", ...options],
    ...(isInterlaced(format) ? ["-flags:v", "+ilme+ildct"] : []),
  ],
});

/** A flat matrix, as for predicted blocks. */
const FLAT_MATRIX = ["-intra_matrix", ["8", ...Array<string>(63).fill("16")].join(",")];

/** Time bases of the frame rates of MPEG-1 and MPEG-2. ISO/IEC 13818-2, table 6-4. */
const MPEG_CLOCKS = ["1001:24000", "1:24", "1:25", "1001:30000", "1:30", "1:50", "1001:60000", "1:60"];

function mpegClock({ averageFps }: VideoFormat): string | undefined {
  if (averageFps === undefined) return undefined;
  return MPEG_CLOCKS.find((clock) => {
    const [ticks, scale] = clock.split(":").map(Number) as [number, number];
    return Math.abs((averageFps * ticks) / scale - 1) < 0.0005;
  });
}

const settingsOf = (encoder: string, codec: string, ...options: string[]): EncoderSettings => ({
  encoder,
  codec,
  options: () => options,
});

const PRORES_PROFILES: Readonly<Record<string, string>> = {
  ...{ Proxy: "0", LT: "1", Standard: "2", HQ: "3", "4444": "4", XQ: "5" },
};

/** No lookahead and no frames made of several: one packet per frame, in order. */
const VPX_IN_ORDER = ["-auto-alt-ref", "0", "-lag-in-frames", "0"];

/**
 * The encoders to try for each codec, best first. Each one writes one packet per frame, in
 * presentation order. libtheora can't force keyframes, so every frame is one, as in FFV1; its
 * finest quality is 41 dB for noise. MPEG-1 at its finest has 43 dB: smaller quantisers overflow
 * its coefficients.
 */
export const SETTINGS_BY_CODEC: Readonly<Record<string, readonly EncoderSettings[]>> = {
  h264: [x264],
  hevc: [x265, x264],
  mpeg1video: [{ ...fixedQuantiser("mpeg1video", 2, ...FLAT_MATRIX), clock: mpegClock }],
  mpeg2video: [
    { ...fixedQuantiser("mpeg2video", 3, "-non_linear_quant", "1", "-qmax", "28", ...FLAT_MATRIX), clock: mpegClock },
  ],
  mpeg4: [fixedQuantiser("mpeg4", 1)],
  mjpeg: [fixedQuantiser("mjpeg", 1)],
  prores: [
    {
      ...settingsOf("prores_ks", "prores"),
      options: ({ profile }) => ["-q:v", "8", ...optionIfKnown("-profile:v", PRORES_PROFILES[profile ?? ""])],
      keepsAlpha: true,
    },
  ],
  dnxhd: [x264],
  ffv1: [{ ...settingsOf("ffv1", "ffv1", "-g", "1"), keepsAlpha: true, frames: 112 }],
  theora: [settingsOf("libtheora", "theora", "-q:v", "10", "-g", "1")],
  vp8: [
    {
      ...settingsOf(
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
      ...settingsOf(
        "libvpx-vp9",
        "vp9",
        ...["-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1"],
        ...["-crf", "5", "-qmin", "0", "-qmax", "5", "-b:v", "0", ...VPX_IN_ORDER],
      ),
      alphaDecoder: "libvpx-vp9",
      keepsAlpha: true,
      frames: 60,
    },
  ],
  av1: [
    {
      ...settingsOf(
        "libaom-av1",
        "av1",
        ...["-usage", "realtime", "-cpu-used", "6", "-row-mt", "1"],
        ...["-crf", "6", "-qmin", "0", "-qmax", "6", "-b:v", "0", "-lag-in-frames", "0"],
      ),
      // Its configuration comes with the first packet, after Matroska's header is written.
      stream: "ivf",
    },
  ],
};

/** The option with its value; empty when ffprobe doesn't know the value. */
export const optionIfKnown = (option: string, value: string | undefined): string[] =>
  value === undefined || value === "unknown" || value === "unspecified" || value === "reserved" ? [] : [option, value];
